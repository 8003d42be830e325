"""Risk over HTTP."""
