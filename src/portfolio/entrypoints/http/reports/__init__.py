"""Reports: files that a person keeps or sends on, from the same use cases as the API."""
