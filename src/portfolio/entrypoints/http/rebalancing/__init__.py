"""Plans and signals over HTTP."""
