"""How good advice was."""
