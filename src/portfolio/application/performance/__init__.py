"""How the portfolio did, day by day and over periods."""
