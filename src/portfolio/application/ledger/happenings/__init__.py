"""Events of the ledger: what happens to the books beside trades, deposits and withdrawals."""
