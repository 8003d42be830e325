"""The filters of the templates: the only way by which a number gets into a page.

They know whether the page is private: an amount of the own books is then never written, whoever wrote the template.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any, Final, TypeAlias

from jinja2 import UndefinedError, pass_context
from jinja2.runtime import Context, Undefined
from markupsafe import Markup
from msgspec import Raw

from portfolio.domain.decimal_text import listed, plain
from portfolio.domain.money import Amount
from portfolio.entrypoints.http.pages.frame.formats import Kind, age, shown
from portfolio.entrypoints.http.pages.frame.hints import hint
from portfolio.entrypoints.http.pages.frame.humanized import humanized
from portfolio.entrypoints.http.pages.frame.reasons import in_words

Value: TypeAlias = Raw | Decimal | Amount | int | None
Given: TypeAlias = Value | Undefined

MOST_NAMED: Final = 12
"""So many names stand in a sentence."""
_AFTER_TEN_LETTERS: Final = re.compile("(?<=[A-Z0-9]{10})(?=[A-Z0-9])")
HIDDEN: Final = Markup('<span class="private">hidden</span>')


def refuse_bare_number(value: Any) -> Any:
    """Return what a template writes; numbers of the books have to come through a filter.

    Raises:
        TypeError: one does not.
    """
    if isinstance(value, Raw | Decimal | Amount | float):
        raise TypeError("a number gets into a page through a filter alone: it knows of privacy")
    return value


def exact_text(value: Raw | Decimal | Amount | int) -> str:
    """Return the digits of a number, as the API writes them."""
    if isinstance(value, Raw):
        return bytes(value).decode()
    if isinstance(value, int):
        return str(value)
    return plain(value.value if isinstance(value, Amount) else value)


def exact_number(value: Raw | None) -> Decimal | None:
    """Return a number as the API writes it, as a decimal; None where there is none."""
    return None if value is None else Decimal(exact_text(value))


def number(kind: Kind, context: Context, value: Given, reason: str | None = None) -> Markup:
    """Return a number of a kind as it is shown, with its exact digits beside it; where there is none, why."""
    if isinstance(value, Undefined):
        raise UndefinedError(str(value))  # str() itself says which name is wrong
    if value is None:
        return _null(reason)
    if kind.is_own and context["frame"].private:
        return HIDDEN
    return _number(exact_text(value), kind)


@pass_context
def of_kind(context: Context, value: Given, kind: Kind, reason: str | None = None) -> Markup:
    """Return a number whose kind is known when the page is made."""
    return number(kind, context, value, reason)


@pass_context
def cell(context: Context, value: Given, kind: str, reason: str | Undefined | None = None) -> Markup:
    """Return a number as a cell of a table, with less around it."""
    if value is None or isinstance(value, Undefined) or (Kind(kind).is_own and context["frame"].private):
        return Markup('<td class="num">{}</td>').format(
            number(Kind(kind), context, value, None if isinstance(reason, Undefined) else reason)
        )
    return _cell(exact_text(value), Kind(kind))


@pass_context
def cells(context: Context, row: Any, fields: Sequence[tuple[str, Kind]]) -> Markup:
    """Return numbers of a row that has its own ``reasons``, as cells: a table may have a thousand rows."""
    written = [
        cell(context, value, kind, row.reasons.get(name))
        if (value := getattr(row, name)) is None or (kind.is_own and context["frame"].private)
        else _cell(exact_text(value), kind)
        for name, kind in fields
    ]
    return Markup("".join(written))  # noqa: S704  each is markup; its own join would look at each of them again


@pass_context
def own_words(context: Context, value: str) -> str:
    """Return a text in which amounts of the own books may stand, as remarks and refusals: a private page has none."""
    return HIDDEN if context["frame"].private else value


def breakable(value: str) -> Markup:
    """Return words in which a long symbol may go on in the next line: it has up to twenty letters, and no blank."""
    return value if isinstance(value, Markup) else Markup("<wbr>").join(_AFTER_TEN_LETTERS.split(value))


def moment(value: datetime) -> Markup:
    """Return a moment in UTC, which the page's script can show in local time."""
    utc = value.astimezone(UTC)
    iso = utc.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{}">{} UTC</time>').format(iso, utc.strftime("%Y-%m-%d %H:%M:%S"))


def day(value: date) -> Markup:
    """Return a day, which is one of UTC."""
    return Markup('<time datetime="{0}">{0} UTC</time>').format(value.isoformat())


def word(value: Value) -> str:
    """Return whether a result is a gain or a loss, in a word; for those who see no colours."""
    if value is None:
        return ""
    result = Decimal(exact_text(value))
    return "gain" if result > 0 else "loss" if result < 0 else "unchanged"


@lru_cache(maxsize=65_536)
def _number(exact: str, kind: Kind) -> Markup:
    value = Decimal(exact)
    return Markup('<span class="n{}" data-exact="{}">{}</span>').format(_sign(value, kind), exact, shown(value, kind))


@lru_cache(maxsize=65_536)
def _cell(exact: str, kind: Kind) -> Markup:
    value = Decimal(exact)
    return Markup('<td class="n{}" data-exact="{}">{}</td>').format(_sign(value, kind), exact, shown(value, kind))


def _sign(value: Decimal, kind: Kind) -> str:
    return "" if not kind.has_sign or not value else " up" if value > 0 else " down"


def _null(reason: str | None) -> Markup:
    return Markup('<span class="null">{}</span>').format(in_words(reason))


def _of(kind: Kind) -> Callable[..., Markup]:
    return pass_context(partial(number, kind))


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    **{kind.value: _of(kind) for kind in Kind},
    "of_kind": of_kind,
    "cell": cell,
    "cells": cells,
    "own_words": own_words,
    "breakable": breakable,
    "moment": moment,
    "day": day,
    "age": age,
    "word": word,
    "reason": in_words,
    "hint": hint,
    "listed": partial(listed, most=MOST_NAMED),
    "humanized": humanized,
}
