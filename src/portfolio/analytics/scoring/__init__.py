"""Statistics beside which advice is judged."""
