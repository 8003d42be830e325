"""What of a file looks like what was booked already, by whoever reports its trades itself."""
