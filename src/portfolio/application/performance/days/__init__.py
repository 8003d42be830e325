"""The days of the ledger: its entries by the day they are of."""
