"""The books as they were, and the days made anew of everything that is known by now."""
