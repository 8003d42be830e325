"""The page of the scorecard: how good the signals were, and what would have become of the books by the rules alone."""
