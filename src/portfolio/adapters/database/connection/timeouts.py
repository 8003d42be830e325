"""How long the database may take, so that a request's deadline holds what has to happen within it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long the database may take, in seconds, where a request has ten.

    ``pool_seconds`` is for a connection from the pool, ``connect_seconds`` for a new one, ``statement_seconds`` for a
    statement of a unit and ``read_seconds`` for one that only reads, ``unit_seconds`` for a whole unit up to its commit
    (the wait for its turn and its repetitions included), ``commit_seconds`` for the commit, ``lock_wait_seconds`` for
    a lock that others hold, ``close_seconds`` for giving a connection back, or closing it.
    """

    pool_seconds: float = 1.5
    connect_seconds: float = 2.0
    statement_seconds: float = 3.0
    read_seconds: float = 4.0
    unit_seconds: float = 5.0
    commit_seconds: float = 2.5
    lock_wait_seconds: float = 2.0
    close_seconds: float = 1.0

    @classmethod
    def within(cls, deadline_seconds: float) -> Self:
        """Return limits that leave a request of this deadline its definite answer.

        With the database silent from the start, a booking that has waited in its queue (three tenths of the deadline)
        hears by eight tenths that nothing was applied. With the answer to its commit lost, there is as long again as
        the commit had for looking it up. What does not fit all the same is answered as unknown, at the deadline.
        """
        of_ten = deadline_seconds / 10
        return cls(**{name: seconds * of_ten for name, seconds in asdict(cls()).items()})

    @classmethod
    def without_end(cls, seconds: float) -> Self:
        """Return limits of which each wait for the database has its own as within so many seconds, and a unit has none.

        A unit of many thousands of rows takes as long as this machine is slow; the database is not away then.
        """
        return replace(cls.within(seconds), unit_seconds=math.inf)

    @property
    def session_lock_seconds(self) -> int:
        """Return how long a MySQL session waits for a lock: whole seconds, at least one."""
        return max(1, math.floor(self.lock_wait_seconds))

    @property
    def idle_seconds(self) -> int:
        """Return for how long a session may sit in a transaction: a client that vanished must not keep its locks."""
        return 3 * self.session_lock_seconds

    @property
    def recycle_seconds(self) -> int:
        """Return the age at which a connection is replaced: below the time after which a server closes an idle one."""
        return 5 * self.session_lock_seconds
