"""The way back: what was exported as events is booked again into empty books."""
