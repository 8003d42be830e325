"""Which prices are believed."""
