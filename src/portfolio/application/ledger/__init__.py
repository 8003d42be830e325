"""Use cases of the ledger: book trades and cash, and prove that the books add up."""
