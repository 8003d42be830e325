"""The result of a period by what its trades are tagged with: engine, key, reason, or symbol."""
