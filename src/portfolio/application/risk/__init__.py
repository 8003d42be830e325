"""How risky what is held is."""
