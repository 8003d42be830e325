"""Use cases of the stream: whoever listens hears of every entry, and of the newest state."""
