"""What the page of trades shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from portfolio.application.ledger.cash_records import RefusedCashEntry
from portfolio.application.ledger.records import BookedTrade, Page, RecordedOutcome
from portfolio.entrypoints.http.errors import FieldError
from portfolio.entrypoints.http.ledger.answers import OutcomeView, TradeView
from portfolio.entrypoints.http.ledger.happenings.answers import RefusedEventView, refused_view
from portfolio.entrypoints.http.ledger.trades import trade_views
from portfolio.entrypoints.http.ledger.views import outcome_view
from portfolio.entrypoints.http.pages.frame.figures import Figure, Term
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.frame.typed import messages
from portfolio.entrypoints.http.pages.trades.form import TradesForm
from portfolio.entrypoints.http.portfolio.reads import Reading
from portfolio.entrypoints.http.shell.bodies import write_cursor
from portfolio.entrypoints.http.shell.numbers import number

AVERAGE_COST: Final = "average cost: a sale takes its share of the cost basis, fees included"


@dataclass(frozen=True, slots=True, kw_only=True)
class TradesContent:
    """The trades of one page and the refused bookings of another, each None where it could not be read.

    ``mistakes`` are by the name of the field. ``newest`` and ``older`` are the queries of other pages of the same
    trades, ``csv`` that of their file. ``older_refusals`` and ``newest_refusals`` are those of the next and the first
    refused bookings, with the refused events and cash transactions that are shown, and the other way round.
    """

    form: TradesForm
    mistakes: Mapping[str, str]
    sums: Sequence[Figure]
    trades: Sequence[TradeView] | None
    figures: Sequence[Figure]
    older: str | None
    refusals: Sequence[OutcomeView] | None
    older_refusals: str | None
    newest_refusals: str | None
    refused_events: Sequence[RefusedEventView] | None
    older_refused_events: str | None
    newest_refused_events: str | None

    @property
    def has_reversals(self) -> bool:
        """Return whether one of the trades takes back another, or is taken back."""
        return any(one.reverses is not None or one.reversed_by is not None for one in self.trades or ())

    @property
    def newest(self) -> str:
        """Return the query of the first page."""
        return self.form.query(cursor=None)

    @property
    def csv(self) -> str:
        """Return the query of the file."""
        return self.form.unpaged().query()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
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
) -> TradesContent:
    """Return what the page shows of the trades and refused bookings that were looked up."""
    views = None if trades is None else trade_views(trades)
    cursor = None if trades is None else write_cursor("t", trades.next_before)
    return TradesContent(
        form=form,
        mistakes=messages(errors),
        sums=_sums(reading),
        trades=views,
        figures=_of_one(views[0], reading) if form.trade and views else (),
        older=cursor and form.query(cursor=cursor),
        refusals=None if refusals.page is None else [outcome_view(outcome) for outcome in refusals.page.items],
        older_refusals=refusals.older,
        newest_refusals=refusals.at and _refused(None, refusals.events_at, "refused"),
        refused_events=None if refusals.events is None else [refused_view(one) for one in refusals.events.items],
        older_refused_events=refusals.older_events,
        newest_refused_events=refusals.events_at and _refused(refusals.at, None, "refused-events"),
    )


def _sums(reading: Reading) -> Sequence[Figure]:
    portfolio, as_of = reading.valuation.portfolio, reading.snapshot.as_of
    return [
        Figure(
            name="realized_pnl",
            label="Realized result",
            value=number(portfolio.realized_pnl),
            kind=Kind.RESULT,
            formula="What closing trades brought, less their fees and the cost basis sold; with income, interest, "
            "losses and charges, which are no trades: the page Activity has them.",
            period="since the start",
            convention=AVERAGE_COST,
            as_of=as_of,
        ),
        Figure(
            name="fees_paid",
            label="Fees paid",
            value=number(portfolio.fees_paid),
            kind=Kind.COST,
            formula="The sum of the fees of all trades; a reversal takes those of its trade back.",
            period="since the start",
            convention="as reported by the engines",
            as_of=as_of,
        ),
    ]


def _of_one(trade: TradeView, reading: Reading) -> Sequence[Figure]:
    """Return how the money of one trade adds up."""
    return [_cash_change(trade, reading.snapshot.as_of), _result(trade, reading.snapshot.as_of)]


def _cash_change(trade: TradeView, as_of: datetime) -> Figure:
    terms: Sequence[Term] = ()
    formula = f"The opposite of that of trade {trade.reverses}, which it takes back."
    if trade.reverses is None:
        is_sale = trade.side == "SELL"
        formula = "Notional less fees." if is_sale else "Notional and fees are paid."
        terms = (
            Term(sign="" if is_sale else "−", label="Notional", value=trade.notional, kind=Kind.MONEY),
            Term(sign="−", label="Fees", value=trade.fees, kind=Kind.COST),
        )
    return Figure(
        name="cash_delta",
        label="Change of cash",
        value=trade.cash_delta,
        kind=Kind.MONEY,
        formula=formula,
        convention="amounts as reported by the engine",
        as_of=as_of,
        terms=terms,
    )


def _result(trade: TradeView, as_of: datetime) -> Figure:
    terms: Sequence[Term] = ()
    formula = "A trade that closes nothing realizes nothing."
    if trade.reverses is not None:
        formula = f"What trade {trade.reverses} realized is taken back."
    elif trade.closes:
        formula = "Change of cash less the cost basis of what was sold."
        terms = (
            Term(label="Change of cash", value=trade.cash_delta, kind=Kind.MONEY),
            Term(sign="−", label="Cost basis sold", value=trade.cost_basis_sold, kind=Kind.COST),
        )
    return Figure(
        name="trade_realized_pnl",
        label="Realized by this trade",
        value=trade.realized_pnl,
        kind=Kind.RESULT,
        formula=formula,
        convention=AVERAGE_COST,
        as_of=as_of,
        terms=terms,
    )
