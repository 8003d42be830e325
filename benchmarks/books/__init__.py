"""What the books of a benchmark begin with."""
