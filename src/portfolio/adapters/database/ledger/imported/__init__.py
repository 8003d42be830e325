"""What the ledger keeps of imports, within its transactions."""
