"""The policy, its rules, and the one plan they make."""
