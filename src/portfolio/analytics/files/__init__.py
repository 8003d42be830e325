"""Tables as files of arrays."""
