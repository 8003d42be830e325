"""The page of trades: what was booked, what was refused, and both as a file."""
