"""Use cases: each loads, decides, saves and commits once; what it needs from outside is a port."""
