"""The portfolio as it is, over HTTP."""
