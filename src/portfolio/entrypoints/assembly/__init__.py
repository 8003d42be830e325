"""The service, put together from whatever adapters it is given: a class for the parts of each topic."""
