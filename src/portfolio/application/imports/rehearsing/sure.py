"""What the books surely take of a file, and how many entries they make of it.

Nothing is refused here. What is not sure may be taken by the books, or refused: they say.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from operator import itemgetter
from typing import Final

from portfolio.application.imports.rehearsing.sums import STEP, NotSure, Sums, is_usual, require_usual
from portfolio.application.imports.steps import LABELS, Case, swapped_value
from portfolio.application.imports.worth import CASH, WorthOf, WorthUnknown
from portfolio.domain.errors import DomainError
from portfolio.domain.imports.records import FileEvent, Kind
from portfolio.domain.money import EXACT

_ZERO: Final = Decimal(0)
_FEE_PARTS: Final = Decimal(20)  # twice as many as the ledger asks for
_COMES: Final = LABELS.keys() | {Kind.TRANSFER_IN, Kind.DEPOSIT}
_GOES: Final = {Kind.TRANSFER_OUT, Kind.WITHDRAWAL}
_OF_MONEY: Final = {Kind.DEPOSIT, Kind.WITHDRAWAL}


class Counting:
    """Counts the events that are sure into ``sums``."""

    def __init__(self, sums: Sums, worth: WorthOf) -> None:
        self._sums, self._worth = sums, worth

    def take(self, events: Sequence[FileEvent]) -> list[int] | None:
        """Count events that are entered together, and return how many entries each has; None where one is not sure."""
        if not self._sums.takes:
            return None
        if len(events) == 1:
            return self._one(events[0])
        cash, held = self._sums.cash, self._sums.held.copy()
        entries: list[int] = []
        for event in events:
            found = self._one(event)
            if found is None:
                self._sums.cash, self._sums.held = cash, held
                return None
            entries += found
        return entries

    def _one(self, event: FileEvent) -> list[int] | None:
        if len(event.legs) == 2 and self._is_usual_trade(event):
            return [1]
        try:
            return [self._other(Case(event, self._worth))]
        except (NotSure, WorthUnknown, DomainError):
            return None

    # --- an asset for dollars ---------------------------------------------------------------------------------------

    def _is_usual_trade(self, event: FileEvent) -> bool:
        """Return whether it is a trade with a fee in one of the two or none that is sure, and count it if it is."""
        (symbol, change), (quote, cash) = event.legs.items()
        if symbol in CASH:  # as of what was converted
            symbol, change, quote, cash = quote, cash, symbol, change
        if symbol in CASH or quote not in CASH or (symbol, quote) not in _own_of(event):
            return False
        if not is_usual(change, cash) or not _has_usual_fee(event, (symbol, change), (quote, cash)):
            return False
        try:
            left = self._sums.left(symbol, change, cash)
            self._sums.cash = self._sums.cash_after(cash, takes=False)
        except NotSure:
            return False
        self._sums.held[symbol] = left
        return True

    def _trade(self, case: Case) -> int:
        """Count a trade whose fee was charged in a third asset, which is sold for its value."""
        (symbol, change), (third, fee) = next(iter(case.assets.items())), case.third
        if not fee or not is_usual(change, case.cash):
            raise NotSure
        value = case.value(third, fee).value
        if not is_usual(EXACT.minus(fee), value) or EXACT.multiply(value, _FEE_PARTS) > case.cash.copy_abs():
            raise NotSure
        left, left_of_third = (
            self._sums.left(symbol, change, case.cash),
            self._sums.left(third, EXACT.minus(fee), value),
        )
        self._sums.cash = self._sums.cash_after(case.cash, takes=False)
        self._sums.held[symbol], self._sums.held[third] = left, left_of_third
        return 2

    # --- others -----------------------------------------------------------------------------------------------------

    def _other(self, case: Case) -> int:
        """Count an event, and return how many entries it has."""
        if case.cash and case.assets:
            if len(case.assets) > 1:
                raise NotSure
            return self._trade(case)
        left: dict[str, Decimal] = {}
        charge = case.charge
        if not case.assets:
            entries, charge = self._money(case)
        elif len(case.assets) == 1:
            entries = self._alone(case, left)
        else:
            entries = self._swapped(case, left)
        third, fee = case.third
        if fee:
            self._go(third, fee, _ZERO, left)
            entries += 1
        if charge:
            require_usual(charge)
            entries += 1
        self._sums.cash = self._sums.cash_after(EXACT.subtract(case.cash, case.charge), takes=charge > 0)
        self._sums.held.update(left)
        return entries

    def _money(self, case: Case) -> tuple[int, Decimal]:
        """Return how many entries dollars alone have, and what of them is charged in one more."""
        event, fee = case.event, case.fee if case.charged in CASH else _ZERO
        if event.kind in _OF_MONEY:
            require_usual(EXACT.add(case.cash, fee))
            return 1, fee
        if event.symbol in CASH and event.quote in CASH:
            return 0, EXACT.minus(case.cash)
        raise NotSure

    def _alone(self, case: Case, left: dict[str, Decimal]) -> int:
        [(symbol, change)] = case.assets.items()
        kind = case.event.kind
        if change > 0 and kind in _COMES:
            self._come(symbol, change, case.value(symbol, change).value, left)
        elif change < 0 and kind is Kind.FEE:
            self._go(symbol, change.copy_abs(), _ZERO, left)
        elif change < 0 and kind in _GOES:
            fee = case.fee if case.charged == symbol else _ZERO
            out = EXACT.minus(EXACT.add(change, fee))
            self._go(symbol, out, case.value(symbol, out).value, left)
            if fee:
                self._go(symbol, fee, _ZERO, left)
                return 2
        else:
            raise NotSure
        return 1

    def _swapped(self, case: Case, left: dict[str, Decimal]) -> int:
        given, got = sorted(case.assets.items(), key=itemgetter(1))[:2]
        if len(case.assets) > 2 or case.event.keeps_cost or got[1] < 0:
            raise NotSure
        value = swapped_value(case, (given[0], given[1].copy_abs()), got).value
        if not is_usual(given[1], value) or not is_usual(got[1], EXACT.minus(value)):
            raise NotSure
        self._go(given[0], given[1].copy_abs(), value, left)
        self._come(*got, value, left)
        return 3

    def _come(self, symbol: str, quantity: Decimal, value: Decimal, left: dict[str, Decimal]) -> None:
        """Note what is held once so much came; a ``value`` of 0 makes no price."""
        require_usual(quantity)
        if value:
            require_usual(value)
        left[symbol] = self._sums.left(symbol, quantity, value, left)

    def _go(self, symbol: str, quantity: Decimal, value: Decimal, left: dict[str, Decimal]) -> None:
        """Note what is held once so much left; a ``value`` of 0 makes no price."""
        if quantity <= 0:
            raise NotSure
        require_usual(quantity)
        if value:
            require_usual(value)
        left[symbol] = self._sums.left(symbol, EXACT.minus(quantity), value, left)


def _own_of(event: FileEvent) -> tuple[tuple[str, str | None], ...]:
    """Return the asset and the dollars of a trade, as they may stand in an event."""
    return (event.symbol, event.quote), (event.quote or "", event.symbol)


def _has_usual_fee(event: FileEvent, asset: tuple[str, Decimal], dollars: tuple[str, Decimal]) -> bool:
    """Return whether the fee is none, or a small part of what it was charged in."""
    fee = event.fee
    if not fee:
        return True
    charged = asset[1] if asset[0] == event.fee_symbol else dollars[1] if dollars[0] == event.fee_symbol else _ZERO
    if fee < 0:
        return False
    return EXACT.multiply(fee, _FEE_PARTS) <= charged.copy_abs() and not EXACT.remainder(fee, STEP)
