"""The two forms of a message: its decimals are numbers, or, where the client asked for them, strings."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from msgspec import Raw

from portfolio.application.stream.records import Frame, Place
from portfolio.entrypoints.http.shell.decimal_strings import rewriting
from portfolio.entrypoints.http.stream.answers import MESSAGES

_TYPES: Final = {message.__name__.lower(): message for message in MESSAGES}


def in_form(frame: Frame, *, strings: bool) -> Frame:
    """Return a message in the form that a client asked for. Both have the same digits."""
    return _with_strings(frame.kind, frame.content, frame.place) if strings else frame


@lru_cache(maxsize=64)
def _with_strings(kind: str, content: bytes, place: Place | None) -> Frame:
    """Return a message whose decimals are strings, made once for all who get it."""
    rewrite = rewriting(_TYPES[kind])
    return Frame(kind, content if rewrite is None else bytes(rewrite(Raw(content))), place)
