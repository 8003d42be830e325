"""Which trades are wanted, as it was typed into the form or stands in a link."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from portfolio.application.errors import NotFound
from portfolio.application.ledger.records import TradeFilter
from portfolio.domain.ledger.trade import Side
from portfolio.entrypoints.http.errors import FieldError
from portfolio.entrypoints.http.ledger.trades import read_trade_id
from portfolio.entrypoints.http.shell.bodies import LONGEST_KEY, LONGEST_NAME, Reading, parse_moment, read_symbol

PAGE_SIZES: Final = (50, 100, 500)

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CURSOR = re.compile(r"t[0-9a-f]{1,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TradesForm:
    """What was typed, field by field; None where a field was left empty."""

    trade: str | None = None
    symbol: str | None = None
    side: str | None = None
    engine: str | None = None
    owner: str | None = None
    client_trade_id: str | None = None
    since: str | None = None
    until: str | None = None
    limit: str | None = None
    cursor: str | None = None

    @property
    def is_filtered(self) -> bool:
        """Return whether not all trades are wanted."""
        return any(getattr(self, field.name) for field in fields(self) if field.name not in {"limit", "cursor"})

    @property
    def page_size(self) -> str:
        """Return how many trades a page has, as it is chosen in the form."""
        return self.limit or str(PAGE_SIZES[0])

    def unpaged(self) -> TradesForm:
        """Return the same filters without a page."""
        return replace(self, limit=None, cursor=None)

    def query(self, **changed: str | None) -> str:
        """Return the query of a link to the same trades, with other fields where they are ``changed``."""
        form = replace(self, **changed)
        found = {field.name: text for field in fields(form) if (text := getattr(form, field.name))}
        return f"?{urlencode(found)}" if found else ""

    def read(self) -> tuple[TradeFilter, Sequence[FieldError]]:
        """Return what is wanted, and what is wrong with what was typed: nothing is to be looked up then."""
        reading = Reading()
        wanted = TradeFilter(
            id=reading.given("trade", self.trade, _trade_id),
            symbol=reading.given("symbol", self.symbol, read_symbol),
            side=reading.given("side", self.side, _side),
            engine=reading.text("engine", self.engine, LONGEST_NAME),
            owner=reading.text("owner", self.owner, LONGEST_NAME),
            client_trade_id=reading.text("client_trade_id", self.client_trade_id, LONGEST_KEY),
            since=reading.given("since", self.since, parse_start),
            until=reading.given("until", self.until, parse_end),
            before=reading.given("cursor", self.cursor, _before),
            limit=reading.given("limit", self.limit, _page_size) or PAGE_SIZES[0],
        )
        return wanted, tuple(reading.errors)


def parse_start(text: str) -> datetime:
    """Return the moment from which on trades are wanted: that of the text, or the beginning of its day in UTC.

    Raises:
        ValueError: it is neither; the text is for the reader.
    """
    text = text.strip()
    return _midnight(text) if _DAY.fullmatch(text) else parse_moment(text)


def parse_end(text: str) -> datetime:
    """Return the moment before which trades are wanted: that of the text, or the end of its day in UTC.

    Raises:
        ValueError: it is neither; the text is for the reader.
    """
    text = text.strip()
    if not _DAY.fullmatch(text):
        return parse_moment(text)
    try:
        return _midnight(text) + timedelta(days=1)
    except OverflowError as error:
        raise ValueError("is out of range") from error


def _midnight(text: str) -> datetime:
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise ValueError("has to be a day of the calendar, such as 2026-01-31") from error
    return datetime(found.year, found.month, found.day, tzinfo=UTC)


def _trade_id(text: str) -> int:
    try:
        return read_trade_id(text.strip().removeprefix("#"))
    except NotFound as error:
        raise ValueError("has to be the number of a trade: a whole number above zero") from error


def _side(text: str) -> Side:
    try:
        return Side(text.strip().upper())
    except ValueError as error:
        raise ValueError("takes BUY or SELL") from error


def _before(text: str) -> int:
    if not _CURSOR.fullmatch(text):
        raise ValueError("is no page of this list: go to the newest trades")
    return int(text[1:], 16)


def _page_size(text: str) -> int:
    if text not in {str(size) for size in PAGE_SIZES}:
        raise ValueError(f"takes {', '.join(map(str, PAGE_SIZES[:-1]))} or {PAGE_SIZES[-1]}")
    return int(text)
