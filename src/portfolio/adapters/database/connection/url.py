"""The address of a database, with a password in it: what is wrong with one is said without quoting it."""

from __future__ import annotations

from sqlalchemy import make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from portfolio.settings import SettingsError


def parse_url(text: str) -> URL:
    """Return the address that ``text`` is.

    Raises:
        SettingsError: it is none, or its password is cut short by a character that had to be encoded: the rest of it
            would be taken for the host, and named in every log of a failed connection.
    """
    try:
        url = make_url(text)
    except (ValueError, ArgumentError):
        # Without the cause: it quotes what it could not read.
        url = None
    if url is None or "@" in (url.host or ""):
        raise SettingsError(
            "PORTFOLIO_DATABASE_URL is sqlite+aiosqlite:///... or mysql+aiomysql://user:password@host:port/database, "
            "with '@', ':', '/' and '%' in the password written as %40, %3A, %2F and %25"
        )
    return url
