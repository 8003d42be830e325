"""What the health of the service is told by, as a port."""

from __future__ import annotations

from typing import Protocol


class Probe(Protocol):
    """Short questions to the database."""

    async def ping(self) -> str:
        """Return the schema revision that the database is at; the cheapest proof that it answers.

        Raises:
            SchemaUnknown: it has none, or one that this version does not run on; nothing is booked then.
            LedgerUnavailable: it is away, or takes no writes.
        """
        ...

    async def count_refusals(self, portfolio_id: int) -> int:
        """Return the number of refused bookings that no override has booked since."""
        ...

    async def try_write(self, portfolio_id: int) -> None:
        """Raise an error if a booking could not be committed now; nothing is written.

        Raises:
            LedgerUnavailable: it could not.
        """
        ...
