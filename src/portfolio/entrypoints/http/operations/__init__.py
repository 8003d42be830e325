"""Health, metrics and documents over HTTP."""
