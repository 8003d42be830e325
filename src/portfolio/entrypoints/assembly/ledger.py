"""The parts of the ledger: the books in memory, and what books, takes back, imports and reads."""

from __future__ import annotations

import math
from functools import partial
from typing import Final

from portfolio.application.imports.kept.looking import BookPreview, Importing, LookAtImport
from portfolio.application.imports.kept.reversal import ReverseImport
from portfolio.application.ledger.booking import MOST_BOOKINGS, BookTrades
from portfolio.application.ledger.booking_queue import BookingQueue
from portfolio.application.ledger.cash import MoveCashInOrOut
from portfolio.application.ledger.happenings.booking import BookEvents
from portfolio.application.ledger.happenings.reversal import ReverseEvent
from portfolio.application.ledger.lots.journal import Journal
from portfolio.application.ledger.lots.picking import PickLots
from portfolio.application.ledger.lots.reading import ReadLots
from portfolio.application.ledger.opening import OpenBooks
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.application.ledger.snapshots import Snapshots
from portfolio.application.prices.executions import SettleStalePrices
from portfolio.application.rebalancing.signal_execution import MarkExecuted
from portfolio.domain.money import Money
from portfolio.entrypoints.assembly.foundation import PATIENCE_SHARE, Foundation

# What a slow database still books. More than it can book within the deadline need not wait.
BOOKINGS_A_SECOND: Final = 500


class LedgerParts:
    """The newest state of the books, the bookings that wait, the entries, and what changes and reads them."""

    def __init__(self, base: Foundation) -> None:
        of, rules, announce, portfolio_id = base.of, base.rules, base.announce, base.portfolio_id
        self.stored, self.rules = of.ledger, rules
        settle = SettleStalePrices(of.prices, of.clock, base.max_price_age)
        self.snapshots = Snapshots(of.ledger, of.clock, portfolio_id, deadline_seconds=base.read_seconds, settle=settle)
        self.journal = Journal(of.ledger, patience_seconds=base.read_seconds)
        self.booking = BookingQueue(
            BookTrades(of.ledger, of.clock, rules, within=[MarkExecuted(of.signals)], announce=announce),
            portfolio_id,
            max_waiting=max(MOST_BOOKINGS, math.ceil(BOOKINGS_A_SECOND * base.settings.request_deadline_seconds)),
            patience_seconds=base.seconds(PATIENCE_SHARE),
        )
        self.move_cash = MoveCashInOrOut(of.ledger, of.clock, rules, announce=announce)
        self.reverse = ReverseTrade(of.ledger, of.clock, rules, announce=announce)
        self.book_events = BookEvents(of.ledger, of.clock, rules, announce=announce)
        self.reverse_event = ReverseEvent(of.ledger, of.clock, rules, announce=announce)
        self.pick_lots = PickLots(self.journal, self.snapshots, of.picked_sales, of.clock)
        days = base.settings.long_term_days
        self.read_lots = ReadLots(self.journal, self.snapshots, of.picked_sales, of.clock, long_term_days=days)
        open_books = OpenBooks(of.ledger, of.clock, Money(base.settings.initial_cash), announce)
        self.open_books = partial(open_books, portfolio_id)


class ImportParts:
    """What looks at files of trades, books them and takes them back."""

    def __init__(self, base: Foundation) -> None:
        of = base.of
        self.stored = of.imports
        importing = Importing(
            imports=of.imports,
            ledger=of.import_ledger,
            prices=of.prices,
            clock=of.clock,
            rules=base.rules,
            read_given=of.read_given,
            closes=of.closes,
            announce=base.announce,
        )
        self.look_at = LookAtImport(importing)
        self.book_preview = BookPreview(importing)
        self.reverse = ReverseImport(of.import_ledger, of.clock, base.rules, base.announce)
