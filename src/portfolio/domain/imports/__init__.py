"""What the rows of other programs' files mean: pure rules from a row to an event."""
