"""Errors of the use cases: what could not be done for another reason than a rule of the domain.

::

    ApplicationError
    ├── LedgerUnavailable       the database did not take or give it; nothing was applied
    │   ├── LedgerRefused       it answers, and somebody has to mend it first
    │   ├── Overloaded          too many bookings are waiting
    │   ├── BooksContradicted   the portfolio's row is gone, or not what the ledger's entries say
    │   ├── LeaseLost           another instance refreshes now
    │   └── EntriesUnread       all entries are needed, and are still being read
    ├── OutcomeUnknown          a commit was lost on the way; ask again by key
    ├── PortfolioMissing        there is no portfolio yet
    ├── SchemaUnknown           the database is at another schema revision
    ├── KeyReused               this key belongs to another booking
    │   └── OwnerAmbiguous      others used it, and none of them was named
    ├── BooksMoved              the books are not what was looked at
    ├── NotFound                nothing by that name
    ├── SignalClaimed           somebody else has it
    ├── SignalOutdated          it is no longer to be carried out
    ├── PricesUnavailable       nothing could be refreshed
    ├── PositionUnknown         it is none of these books
    ├── TooManyStreams          as many listen as may
    ├── TooManyBacktests        as many wait as may
    ├── ClosesPending           closes are being fetched; ask again
    ├── FeedFailed              a price source did not answer usefully
    ├── NotOptimisable          there are no weights to answer
    │   ├── TooFewDays          the assets have too few days in common
    │   └── TurnoverBoundTooLow so little trading does not lead into the limits
    ├── BacktestNotDone         nothing came of it yet, or nothing will
    ├── NotBacktestable         there is no such backtest on these closes
    │   └── BacktestOutOfRange  at these closes it would be worth 1e20 or more
    ├── NotInstalled            an optional part of the installation is not there
    ├── ComputationFailed       what was computed beside the service ended without a result
    │   └── ComputationLate     it took too long
    └── ConfigurationInvalid    a file of the operator's is not what it should be

Whatever asks the database may raise ``LedgerUnavailable``, what keeps the last state seen only where it never saw one;
whatever reads books ``PortfolioMissing`` where they were never opened, ``BooksContradicted`` where their row is not the
one that the entries made; and whatever commits ``OutcomeUnknown``. A docstring names them where it has more to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self

from portfolio.domain.decimal_text import listed


class ApplicationError(Exception):
    """A use case could not be carried out; ``str()`` is one sentence for the caller."""

    retry_after_seconds = 1.0
    """When to ask again, where that helps."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how it is pickled: what it says and has, without ``__init__``, whose arguments are not kept."""
        return Exception.__new__, (type(self), *self.args), self.__dict__


class LedgerUnavailable(ApplicationError):
    """The database is away, too slow or too contended; nothing was applied and a retry is safe."""

    def __init__(self, reason: str, *, retry_after_seconds: float = 1.0) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class LedgerRefused(LedgerUnavailable):
    """The database answers, and refuses what a booking needs, or cannot keep what it promises; nothing was applied."""


class MessageTooLarge(LedgerRefused):
    """The database takes no message of that size; of smaller ones this says nothing. Nothing was applied."""


class Overloaded(LedgerUnavailable):
    """More bookings are waiting than can be answered in time; this one was not begun."""


class BooksContradicted(LedgerUnavailable):
    """The portfolio's row is gone, or is not the one that the ledger's entries made; a person has to decide."""

    def __init__(self, what: str, *, is_lossy: bool = False) -> None:
        """Take what was found; ``is_lossy`` where more is in doubt than a row that the entries make anew."""
        advice = (
            "restore what was there, or make the rows anew from the entries with `portfolio reconcile --rebuild`"
            if is_lossy
            else "`portfolio reconcile` rebuilds it from the entries"
        )
        super().__init__(f"{what}. Nothing is booked until a person decides: {advice}", retry_after_seconds=30.0)
        self.is_lossy = is_lossy


class LeaseLost(LedgerUnavailable):
    """Another instance holds the lease now: the write of this one is refused."""


class EntriesUnread(LedgerUnavailable):
    """What needs all of the ledger's entries waits until they are read, once in the life of a process."""

    def __init__(self, read: int, until: int, *, seconds: float) -> None:
        reason = f"{read:,} of the ledger's {until:,} entries are read so far; ask again"
        super().__init__(reason, retry_after_seconds=seconds)


class OutcomeUnknown(ApplicationError):
    """The booking may or may not be in the books; the same key again gives the definite answer."""


class PortfolioMissing(ApplicationError):
    """There is no portfolio with this id."""

    def __init__(self, portfolio_id: int) -> None:
        super().__init__(f"there is no portfolio {portfolio_id}")


class SchemaUnknown(ApplicationError):
    """The database is at a schema revision that this version does not know."""

    def __init__(self, found: str | None, expected: str, *, missing: str = "") -> None:
        is_newer = found is not None and found > expected
        advice = (
            "start the matching version; docs/upgrade.md has the way back" if is_newer else "run `portfolio migrate`"
        )
        what = f"misses {missing}" if missing else f"is at schema revision {found or 'none'}"
        super().__init__(f"the database {what}, this version needs {expected}: {advice}")
        self.found = found


class KeyReused(ApplicationError):
    """The key was used before, for another request."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key!r} was used before for another request; nothing was changed. Use a new key")


class BooksMoved(ApplicationError):
    """The books are not those that were looked at; nothing was changed."""

    def __init__(self) -> None:
        super().__init__("the ledger has other entries than those that were looked at: look again, and then decide")


class OwnerAmbiguous(KeyReused):
    """Others have a booking under this key, and it was not said, or not rightly, whose is meant."""

    def __init__(self, key: str, owners: Sequence[str]) -> None:
        who = "1 owner has" if len(owners) == 1 else f"{len(owners)} owners have"
        ApplicationError.__init__(self, f"{who} a booking under {key!r}: say whose is meant, with `owner`")


class NotFound(ApplicationError):
    """There is nothing of that name."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"there is no {kind} {name}")


class SignalClaimed(ApplicationError):
    """A signal was acknowledged before; it is claimed once."""

    def __init__(self, signal_id: str, owner: str, at: datetime) -> None:
        super().__init__(f"{signal_id} was acknowledged by {owner!r} at {at:%Y-%m-%dT%H:%M:%SZ}")


class SignalOutdated(ApplicationError):
    """A signal can no longer be claimed: the plan of this moment does not ask for its trade any more."""

    def __init__(self, signal_id: str, reason: str) -> None:
        super().__init__(f"{signal_id} cannot be acknowledged: {reason}")


class PricesUnavailable(ApplicationError):
    """Something is held, and no price could be refreshed."""

    def __init__(self, reasons: dict[str, str]) -> None:
        failed = listed([f"{symbol}: {reason}" for symbol, reason in sorted(reasons.items())])
        super().__init__(f"no price could be refreshed ({failed})")


class FeedFailed(ApplicationError):
    """A price source did not answer usefully."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source}: {reason}")
        self.source = source
        self.reason = reason


class PositionUnknown(ApplicationError):
    """The position of a message is none of these books: they were restored, or made anew."""

    def __init__(self, position: str, reason: str) -> None:
        super().__init__(
            f"these books have no position {position} ({reason}): they were restored or made anew; read them again"
        )


class TooManyStreams(ApplicationError):
    """No more streams are opened, on this instance or for this caller."""


class TooManyBacktests(ApplicationError):
    """As many backtests are waiting as may."""

    retry_after_seconds = 30.0

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} backtests are waiting already; ask again when some are done")


class NotOptimisable(ApplicationError):
    """No weights can be answered for what was asked."""


class TooFewDays(NotOptimisable):
    """The assets have fewer days of returns in common than say anything about how they move."""

    def __init__(self, common: int, least: int, shortest: Sequence[tuple[str, int]]) -> None:
        named = ", ".join(f"{symbol} {days}" for symbol, days in shortest)
        super().__init__(f"the assets have {common} days of returns in common, at least {least} are needed ({named})")


class TurnoverBoundTooLow(NotOptimisable):
    """Within the turnover that was asked for the limits cannot be met."""

    def __init__(self, least_percent: Decimal) -> None:
        super().__init__(f"the limits cannot be met with less turnover than {least_percent} %")
        self.least_percent = least_percent


class BacktestNotDone(ApplicationError):
    """Nothing has come of a backtest yet, or nothing will."""

    def __init__(self, name: str, state: str) -> None:
        super().__init__(f"{name} is {state}: its rows are there once it is done")


class NotBacktestable(ApplicationError):
    """There is no such backtest: its closes do not cover the days, or there is nothing to begin with."""


class BacktestOutOfRange(NotBacktestable):
    """At its closes a backtest, or what it is compared with, would come to 1e20 dollars or more."""

    @classmethod
    def on(cls, day: date, dollars: Decimal) -> Self:
        """Return the error of a day, and of the first amount that is too large on it."""
        return cls(
            f"on {day} it, or what it is compared with, would come to {dollars:.3e} dollars, and amounts stay below"
            " 1e20: begin with less (from cash or weights, with a smaller initial_value), or end before that day"
        )


class ClosesPending(ApplicationError):
    """Closes that are needed are being fetched: ask again."""

    retry_after_seconds = 5.0

    def __init__(self, symbols: Sequence[str]) -> None:
        super().__init__(f"the closes of {listed(symbols)} are still being fetched: ask again in a few seconds")


class NotInstalled(ApplicationError):
    """An optional part of the installation is not there."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} is not installed here: install the extra portfolio[{extra}]")


class ComputationFailed(ApplicationError):
    """A computation beside the service ended without a result; the next one begins anew."""


class ComputationLate(ComputationFailed):
    """A computation beside the service took longer than a request may."""


class ConfigurationInvalid(ApplicationError):
    """A file that the settings name is missing or not of the right shape."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
