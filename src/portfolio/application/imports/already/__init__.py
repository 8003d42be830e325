"""What of a file was booked already, or is told by another file, though no id says so."""
