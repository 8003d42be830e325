"""The days of a period one by one, and what is made of them: months, rolling figures, the distribution."""
