"""The outside: databases, price feeds and the clock, behind the ports of the application."""
