"""The pages: what a person sees in a browser, from the same use cases as the API, and reading only."""
