"""Rules of prices: which quotes are believed."""
