"""What rows are measured with: the stage, the load, the floors, the turns, and the report."""
