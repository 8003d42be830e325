"""Heavy computing, in a process of its own: the only home of scipy and clarabel."""
