"""Use cases. Each one loads, decides, saves and commits once; its interfaces to the outside are ports."""
