"""What starts the use cases: HTTP, the price loop and the command line."""
