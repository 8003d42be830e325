"""The page of operations: whether the service does what it should, and what of that cannot be known here."""
