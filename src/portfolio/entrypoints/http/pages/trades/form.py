"""Which trades are wanted, as it was typed into the form or stands in a link."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from portfolio.application.errors import NotFound
from portfolio.application.ledger.records import TradeFilter
from portfolio.domain.ledger.trade import Side
from portfolio.entrypoints.http.errors import FieldError
from portfolio.entrypoints.http.ledger.trades import read_id
from portfolio.entrypoints.http.pages.frame.list_form import (
    PAGE_SIZES,
    ListForm,
    page_size,
    parse_end,
    parse_start,
    typed_symbol,
)
from portfolio.entrypoints.http.shell.bodies import LONGEST_KEY, LONGEST_NAME, FieldReader, Typed

_CURSOR = re.compile(r"t[0-9a-f]{1,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TradesForm(ListForm):
    """What was typed, field by field; None where a field was left empty."""

    trade: Typed = None
    symbol: Typed = None
    side: Typed = None
    engine: Typed = None
    owner: Typed = None
    client_trade_id: Typed = None
    since: Typed = None
    until: Typed = None

    def unpaged(self) -> TradesForm:
        """Return the same filters without a page."""
        return replace(self, limit=None, cursor=None)

    def read(self) -> tuple[TradeFilter, Sequence[FieldError]]:
        """Return what is wanted, and what is wrong with what was typed: nothing is to be looked up then."""
        reading = FieldReader()
        wanted = TradeFilter(
            id=reading.given("trade", self.trade, _trade_id),
            symbol=reading.given("symbol", self.symbol, typed_symbol),
            side=reading.given("side", self.side, _side),
            engine=reading.text("engine", self.engine, LONGEST_NAME),
            owner=reading.text("owner", self.owner, LONGEST_NAME),
            client_trade_id=reading.text("client_trade_id", self.client_trade_id, LONGEST_KEY),
            since=reading.given("since", self.since, parse_start),
            until=reading.given("until", self.until, parse_end),
            before=reading.given("cursor", self.cursor, _before),
            limit=reading.given("limit", self.limit, page_size) or PAGE_SIZES[0],
        )
        return wanted, tuple(reading.errors)


def _trade_id(text: str) -> int:
    try:
        return read_id(text.strip().removeprefix("#"), "trade")
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
