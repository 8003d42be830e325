"""Imports that are tried without being kept: what the books surely take, and what only they can say."""
