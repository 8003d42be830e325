"""What the health of the service is told by, as a port."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Probe(Protocol):
    """Short questions to the database."""

    async def ping(self) -> str:
        """Return the schema revision that the database is at; the cheapest proof that it answers.

        Raises:
            SchemaUnknown: it has none, or one that this version does not run on; nothing is booked then.
            LedgerUnavailable: it is away, or takes no writes.
        """

    async def check_server(self) -> Sequence[str]:
        """Return what is to be said of the server: on it commits are less safe than they could be.

        Raises:
            LedgerRefused: what it is breaks a promise of the service; nothing is booked then.
            LedgerUnavailable: it is away.
        """

    async def count_refusals(self, portfolio_id: int) -> int:
        """Return how many refused bookings, events and cash transactions an override could book, and none has.

        Of the ``MOST_COUNTED`` newest refused bookings, and of as many others.
        """

    async def unreadable_rows(self, portfolio_id: int) -> Sequence[str]:
        """Return a line for each row that was left out of an answer because it cannot be read, and still cannot be."""

    async def try_write(self, portfolio_id: int) -> None:
        """Raise an error if a booking could not be committed now; nothing is written.

        Raises:
            LedgerRefused: the database answers, and refuses what a booking writes.
            LedgerUnavailable: it could not.
        """
