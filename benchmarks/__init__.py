"""What the service costs beside what the machine and the libraries allow, measured in one run: ``make bench``."""
