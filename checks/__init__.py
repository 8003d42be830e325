"""What `make check` looks at beyond the code."""
