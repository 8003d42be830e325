"""One module for each kind of file: what its rows become."""
