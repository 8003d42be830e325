"""Tables as files: comma-separated values, JSON and Parquet."""
