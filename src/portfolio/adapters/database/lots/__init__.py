"""What is kept of lots beside the ledger."""
