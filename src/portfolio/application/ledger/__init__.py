"""Books what happened, and proves the books."""
