"""What the page of trades shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from portfolio.application.ledger.cash_records import RefusedCashEntry
from portfolio.application.ledger.records import BookedTrade, Page, RecordedOutcome
from portfolio.entrypoints.http.errors import FieldError
from portfolio.entrypoints.http.ledger.answers import TradeView
from portfolio.entrypoints.http.ledger.happenings.answers import refused_view
from portfolio.entrypoints.http.ledger.trades import trade_views
from portfolio.entrypoints.http.ledger.views import outcome_view
from portfolio.entrypoints.http.pages.frame.figures import SINCE_START, About, Figure, FigureOf, Term
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.frame.typed import messages
from portfolio.entrypoints.http.pages.trades.form import TradesForm
from portfolio.entrypoints.http.portfolio.reads import Reading
from portfolio.entrypoints.http.shell.bodies import write_cursor
from portfolio.entrypoints.http.shell.numbers import number

AVERAGE_COST: Final = "average cost: a sale takes its share of the cost basis, fees included"


FIGURES: Final[Mapping[str, About]] = {
    "realized_pnl": (
        "Realized result", Kind.RESULT,
        ("What closing trades brought, less their fees and the cost basis sold; with income, interest, losses and "
         "charges, which are no trades: the page Activity has them.")),
    "fees_paid": ("Fees paid", Kind.COST,
                  "The sum of the fees of all trades; a reversal takes those of its trade back."),
}  # fmt: skip


class Refusals(msgspec.Struct, frozen=True, kw_only=True):
    """A page of refused bookings, and one of refused events and cash transactions, each None if it could not be read.

    ``at`` and ``events_at`` are the cursors of these pages, None for the newest.
    """

    page: Page[RecordedOutcome] | None
    at: str | None
    events: Page[RefusedCashEntry] | None
    events_at: str | None

    @property
    def older(self) -> str | None:
        """Return the query of the bookings that were refused before these."""
        cursor = None if self.page is None else write_cursor("r", self.page.next_before)
        return cursor and _refused(cursor, self.events_at, "refused")

    @property
    def older_events(self) -> str | None:
        """Return the query of the events that were refused before these."""
        cursor = None if self.events is None else write_cursor("u", self.events.next_before)
        return cursor and _refused(self.at, cursor, "refused-events")


def _refused(bookings: str | None, events: str | None, part: str) -> str:
    query = urlencode({k: v for k, v in (("refused", bookings), ("refused_events", events)) if v})
    return f"{query and f'?{query}'}#{part}"


def trades_content(
    form: TradesForm,
    errors: Sequence[FieldError],
    reading: Reading,
    trades: Page[BookedTrade] | None,
    refusals: Refusals,
) -> dict[str, Any]:
    """Return what the page shows of the trades and refused bookings that were looked up, None where they were not read.

    ``mistakes`` are by the name of the field. ``newest`` and ``older`` are the queries of other pages of the same
    trades, ``csv`` that of their file. ``older_refusals`` and ``newest_refusals`` are those of the next and the first
    refused bookings, with the refused events and cash transactions that are shown, and the other way round.
    """
    views = None if trades is None else trade_views(trades)
    cursor = None if trades is None else write_cursor("t", trades.next_before)
    as_of = reading.snapshot.as_of
    return {
        "form": form,
        "mistakes": messages(errors),
        "sums": _sums(reading),
        "trades": views,
        "has_reversals": any(one.reverses is not None or one.reversed_by is not None for one in views or ()),
        "figures": [_cash_change(views[0], as_of), _result(views[0], as_of)] if form.trade and views else (),
        "newest": form.query(cursor=None),
        "older": cursor and form.query(cursor=cursor),
        "csv": form.unpaged().query(),
        "refusals": None if refusals.page is None else [outcome_view(outcome) for outcome in refusals.page.items],
        "older_refusals": refusals.older,
        "newest_refusals": refusals.at and _refused(None, refusals.events_at, "refused"),
        "refused_events": None if refusals.events is None else [refused_view(one) for one in refusals.events.items],
        "older_refused_events": refusals.older_events,
        "newest_refused_events": refusals.events_at and _refused(refusals.at, None, "refused-events"),
    }


def _sums(reading: Reading) -> Sequence[Figure]:
    portfolio, figure = reading.valuation.portfolio, FigureOf(FIGURES, AVERAGE_COST, reading.snapshot.as_of)
    of_engines = replace(figure, convention="as reported by the engines")
    return [
        figure("realized_pnl", number(portfolio.realized_pnl), period=SINCE_START),
        of_engines("fees_paid", number(portfolio.fees_paid), period=SINCE_START),
    ]


def _cash_change(trade: TradeView, as_of: datetime) -> Figure:
    terms: Sequence[Term] = ()
    formula = f"The opposite of that of trade {trade.reverses}, which it takes back."
    if trade.reverses is None:
        is_sale = trade.side == "SELL"
        formula = "Notional less fees." if is_sale else "Notional and fees are paid."
        terms = (
            Term("Notional", trade.notional, Kind.MONEY, "" if is_sale else "−"),
            Term("Fees", trade.fees, Kind.COST, "−"),
        )
    about = {"cash_delta": ("Change of cash", Kind.MONEY, formula)}
    figure = FigureOf(about, "amounts as reported by the engine", as_of)
    return figure("cash_delta", trade.cash_delta, terms=terms)


def _result(trade: TradeView, as_of: datetime) -> Figure:
    terms: Sequence[Term] = ()
    formula = "A trade that closes nothing realizes nothing."
    if trade.reverses is not None:
        formula = f"What trade {trade.reverses} realized is taken back."
    elif trade.closes:
        formula = "Change of cash less the cost basis of what was sold."
        terms = (
            Term("Change of cash", trade.cash_delta, Kind.MONEY),
            Term("Cost basis sold", trade.cost_basis_sold, Kind.COST, "−"),
        )
    about = {"trade_realized_pnl": ("Realized by this trade", Kind.RESULT, formula)}
    return FigureOf(about, AVERAGE_COST, as_of)("trade_realized_pnl", trade.realized_pnl, terms=terms)
