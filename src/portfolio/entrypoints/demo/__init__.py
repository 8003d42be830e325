"""The demonstration: two years of a portfolio that never was, booked through the service's own use cases."""
