"""The command ``portfolio watch``: a service, followed on a terminal."""
