"""The parts of the composition root: each makes what a group of commands needs of the adapters."""
