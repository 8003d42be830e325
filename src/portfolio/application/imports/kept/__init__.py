"""Imports that are kept: previews until they are booked, and what was booked, which can be taken back as a whole."""
