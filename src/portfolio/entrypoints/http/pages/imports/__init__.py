"""The page of imports."""
