"""The entries of the ledger as lots and gains."""
