"""What the contract demands and the framework lacks, and what every topic shares."""
