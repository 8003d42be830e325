"""The page of activity: entries of all kinds."""
