"""The page of lots and gains."""
