"""The demonstration: two years of a made-up portfolio, booked through the service's own use cases."""
