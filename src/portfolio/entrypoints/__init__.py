"""How the world comes in: HTTP, the price loop and the command line."""
