"""What the page of activity shows: entries of all kinds in lines, those of a group together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final, NamedTuple

import msgspec

from portfolio.application.ledger.cash_records import RecordedCashEntry
from portfolio.application.ledger.happenings.activity import ListedEntry
from portfolio.application.ledger.records import BookedTrade, Page, TradeEntry
from portfolio.domain.decimal_text import counted, plain
from portfolio.domain.ledger.leg import Leg
from portfolio.domain.money import Money, Price
from portfolio.entrypoints.http.errors import FieldError
from portfolio.entrypoints.http.pages.activity.form import KINDS, ActivityForm
from portfolio.entrypoints.http.pages.frame.figures import SINCE_START, About, Figure, FigureOf, Term
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.frame.typed import messages
from portfolio.entrypoints.http.portfolio.reads import Reading
from portfolio.entrypoints.http.shell.bodies import write_cursor

AVERAGE_COST: Final = "average cost: what leaves takes its share of the cost basis, fees included"
ADDS_UP: Final = "Change of net deposits, plus what it realized, less the change of cost. So it is in every entry."
MOST_LEGS: Final = 12
"""So many assets of an entry have their own lines: the opening of books may have thousands."""

SUMS: Final[Mapping[str, About]] = {
    "net_deposits": ("Net deposits", Kind.MONEY,
                     "What came in less what left: money as it is, assets at their cost."),
    "realized_pnl": ("Realized result", Kind.RESULT,
                     "The sum of what all entries realized: sales, income, interest, losses and charges."),
    "cash_balance": ("Cash", Kind.MONEY, "The sum of the changes of cash of all entries."),
    "fees_paid": ("Fees paid", Kind.COST,
                  "The sum of the fees of all trades; a reversal takes those of its trade back."),
}  # fmt: skip

_LATE: Final = timedelta(days=1)


class Link(NamedTuple):
    """Another entry, and where it is shown."""

    words: str
    path: str


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An entry. What it did not move is None: ``price`` is that of a trade, ``more`` legs are not shown."""

    revision: int
    what: str
    details: Sequence[str] = ()
    effective_at: datetime
    booked_at: datetime
    legs: Sequence[Leg]
    more: int = 0
    price: Price | None = None
    cash_delta: Money | None
    net_deposits_delta: Money | None = None
    realized_delta: Money | None
    owner: str
    engine: str | None = None
    key: str | None
    notes: str | None
    group: str | None
    takes_back: Link | None
    taken_back_by: Link | None

    @property
    def lateness(self) -> str:
        """Return how long after it took effect it was booked, where that is over a day."""
        late = self.booked_at - self.effective_at
        return f"{counted(late.days, 'day')} later" if late > _LATE else ""


def activity_content(
    form: ActivityForm, errors: Sequence[FieldError], reading: Reading, page: Page[ListedEntry] | None
) -> dict[str, Any]:
    """Return what the page shows of the entries that were looked up, None where they could not be read.

    Those of one group that follow one another are together. ``mistakes`` are by the name of the field, ``newest`` and
    ``older`` the queries of other pages.
    """
    lines = None if page is None else [line_of(entry) for entry in page.items]
    cursor = None if page is None else write_cursor("a", page.next_before)
    return {
        "form": form,
        "kinds": [("", "all"), *((kind.value.lower(), words) for kind, words in KINDS.items())],
        "mistakes": messages(errors),
        "sums": _sums(reading),
        "groups": None if lines is None else list(_together(lines)),
        "figures": [_adds_up(lines[0], reading.snapshot.as_of)] if form.entry and lines else (),
        "newest": form.query(cursor=None),
        "older": cursor and form.query(cursor=cursor),
    }


def line_of(listed: ListedEntry) -> Line:
    """Return an entry in a line."""
    recorded = listed.recorded
    if isinstance(recorded, RecordedCashEntry):
        return _other_line(recorded, listed.taken_out_by)
    assert recorded.entry is not None  # what other programs wrote is no entry
    return _trade_line(recorded, recorded.entry)


def _trade_line(booked: BookedTrade, entry: TradeEntry) -> Line:
    trade, request = entry.trade, entry.request
    return Line(
        revision=entry.revision,
        what=KINDS[trade.side],
        effective_at=trade.executed_at,
        booked_at=entry.booked_at,
        legs=[Leg.of(trade)],
        price=trade.price,
        cash_delta=trade.cash_delta,
        realized_delta=trade.realized_pnl or None,
        owner=request.owner,
        engine=request.engine,
        key=request.client_trade_id,
        notes=request.notes,
        group=entry.group,
        takes_back=_trade_link(trade.reverses),
        taken_back_by=_trade_link(booked.reversed_by),
    )


def _other_line(recorded: RecordedCashEntry, taken_out_by: int | None) -> Line:
    entry, moved = recorded.entry, recorded.entry.transaction
    terms, legs = moved.event, [one.leg for one in entry.positions]
    details = []
    if terms is not None:
        details += [terms.label.replace("_", " ")] if terms.label else []
        details += [f"{plain(terms.ratio)} for 1"] if terms.ratio is not None else []
        details += ["its cost is assumed"] if terms.is_basis_assumed else []
    return Line(
        revision=entry.revision,
        what=KINDS[moved.kind],
        details=details,
        effective_at=moved.effective_at,
        booked_at=moved.at,
        legs=legs[:MOST_LEGS],
        more=max(len(legs) - MOST_LEGS, 0),
        cash_delta=moved.cash_delta or None,
        net_deposits_delta=moved.net_deposits_delta or None,
        realized_delta=moved.realized_delta or None,
        owner=entry.owner,
        key=entry.client_transaction_id,
        notes=entry.note,
        group=None if terms is None else terms.group,
        takes_back=_entry_link(None if terms is None else terms.reverses_revision),
        taken_back_by=_entry_link(taken_out_by),
    )


def _trade_link(trade_id: int | None) -> Link | None:
    return None if trade_id is None else Link(f"trade {trade_id}", f"/pages/trades?trade={trade_id}")


def _entry_link(revision: int | None) -> Link | None:
    return None if revision is None else Link(f"entry {revision}", f"/pages/activity?entry={revision}")


def _together(lines: Sequence[Line]) -> Iterator[Sequence[Line]]:
    """Yield lines that follow one another in one group together, any other alone."""
    for group, some in groupby(lines, key=lambda line: line.group):
        if group is None:
            yield from ([line] for line in some)
        else:
            yield list(some)


def _sums(reading: Reading) -> Sequence[Figure]:
    portfolio, figure = reading.valuation.portfolio, FigureOf(SUMS, AVERAGE_COST, reading.snapshot.as_of)
    told = {
        "net_deposits": portfolio.net_deposits,
        "realized_pnl": portfolio.realized_pnl,
        "cash_balance": portfolio.cash,
        "fees_paid": portfolio.fees_paid,
    }
    return [figure(name, value, period=SINCE_START) for name, value in told.items()]


def _adds_up(line: Line, as_of: datetime) -> Figure:
    """Return the law of all entries with the numbers of one."""
    nothing = Money.zero()
    cost = sum((leg.basis_delta for leg in line.legs), nothing)
    deposits, realized = line.net_deposits_delta or nothing, line.realized_delta or nothing
    moved = line.cash_delta or nothing
    terms: Sequence[Term] = ()
    formula = "As it was written: what all of it cost is not told here."
    if deposits + realized - cost == moved:
        formula = ADDS_UP
        terms = (
            Term("Net deposits", deposits, Kind.MONEY),
            Term("Realized result", realized, Kind.RESULT, "+"),
            Term("Cost of what it moved", cost, Kind.COST, "−"),
        )
    about = {"entry_cash_delta": ("Change of cash", Kind.MONEY, formula)}
    return FigureOf(about, AVERAGE_COST, as_of)("entry_cash_delta", moved, terms=terms)
