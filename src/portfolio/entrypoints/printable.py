"""Texts of files as they may be shown."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return a text of a file as a terminal or a page may show it."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
