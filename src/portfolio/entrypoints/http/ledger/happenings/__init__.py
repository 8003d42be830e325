"""Events over HTTP: what happens to the books beside trades, deposits and withdrawals."""
