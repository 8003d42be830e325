"""What should be traded, and what became of it."""
