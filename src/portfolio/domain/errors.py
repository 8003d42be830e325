"""Errors of the domain: what a rule refuses.

::

    DomainError
    ├── InvalidAmount           a number that is no amount: not finite, too fine, a wrong sign
    ├── OutOfRange              a result too large for the ledger
    ├── InvalidSymbol           not a symbol that can be held
    ├── FeesTooHigh             the fees do not fit the money for the asset
    ├── AmountMismatch          the money does not fit quantity x price
    ├── InsufficientQuantity    more sold than is held
    ├── InsufficientCash        more spent than there is
    ├── NotReversible           this trade, event or import cannot be undone
    ├── ValueUnknown            nobody said what something is worth, and there is no price of that time
    └── InvalidPolicy           a setting of the rebalancing policy that cannot be

Whatever comes to a new amount may raise ``OutOfRange``. A docstring names it where it has more to say.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from portfolio.domain.decimal_text import plain


class DomainError(Exception):
    """A rule of the domain said no; ``str()`` is one sentence for the caller."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how it is pickled: what it says and has, without ``__init__``, whose arguments are not kept."""
        return Exception.__new__, (type(self), *self.args), self.__dict__


class InvalidAmount(DomainError):
    """A number that is no amount."""

    def __init__(self, value: str, reason: str, *, field: str | None = None) -> None:
        super().__init__(f"{value[:60]}: {reason}" if value else reason)
        self.reason = reason
        self.field = field


class OutOfRange(DomainError):
    """A number of 1e20 or more: the ledger's columns cannot hold it."""

    def __init__(self, value: Decimal) -> None:
        super().__init__(f"{value:.3e} is out of range: amounts stay below 1e20")
        self.value = value


class InvalidSymbol(DomainError):
    """A text that names no asset this ledger can hold."""

    def __init__(self, text: str, hint: str) -> None:
        super().__init__(f"{text[:40]!r} is not a symbol: {hint}")
        self.hint = hint


class FeesTooHigh(DomainError):
    """The fees of an execution are too large a part of it."""

    def __init__(self, fees: Decimal, reason: str) -> None:
        super().__init__(f"fees of {plain(fees)} {reason}")


class AmountMismatch(DomainError):
    """The money of an execution lies too far from quantity x price."""

    def __init__(self, notional: Decimal, expected_notional: Decimal, tolerance_percent: Decimal) -> None:
        super().__init__(
            f"the money for the asset is {plain(notional)} but quantity x price is {plain(expected_notional)}: "
            f"more than {plain(tolerance_percent)} % apart"
        )


class InsufficientQuantity(DomainError):
    """More was sold, or left in another way, than is held."""

    def __init__(self, symbol: str, held: Decimal, requested: Decimal, *, verb: str = "sold") -> None:
        super().__init__(f"{plain(requested)} {symbol} cannot be {verb}: {plain(held)} is held")
        self.symbol = symbol
        self.held = held
        self.requested = requested


class InsufficientCash(DomainError):
    """More was spent than there is."""

    def __init__(self, available: Decimal, required: Decimal) -> None:
        super().__init__(f"{plain(required)} is needed but cash is {plain(available)}")
        self.available = available
        self.required = required


class NotReversible(DomainError):
    """The trade, event or import cannot be undone: it is a reversal, was reversed before, or was not booked here."""

    def __init__(self, trade_id: int, reason: str, *, what: str = "trade") -> None:
        super().__init__(f"{what} {trade_id} cannot be reversed: {reason}")
        self.reason = reason


class NotPickable(DomainError):
    """The lots that are picked are not those that a sale could have taken."""

    def __init__(self, trade_id: int, reason: str) -> None:
        super().__init__(f"trade {trade_id} cannot take these lots: {reason}")


class ValueUnknown(DomainError):
    """Nobody said what something is worth, and the books have no price of that time."""

    def __init__(self, symbol: str, field: str = "value") -> None:
        super().__init__(f"no price of {symbol} is known at that time: state in {field} what it is worth")
        self.field = field


class InvalidPolicy(DomainError):
    """A setting of the rebalancing policy that cannot be; ``field`` is its name, dotted inside a table."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field[:80]} {reason}")
        self.field = field
        self.reason = reason
