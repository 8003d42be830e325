"""The books as files, over HTTP."""
