"""The pages of what is held: all of it, and one asset."""
