"""What the parts of all topics stand on: the ports, the settings, shares of a deadline, and who hears of commits."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import replace
from datetime import timedelta
from typing import Final

import structlog

from portfolio.application.announcer import Announcement, Announcer, Listener
from portfolio.application.stream.records import Pace
from portfolio.domain.arithmetic import HUNDRED
from portfolio.domain.categories import PositionLimit
from portfolio.entrypoints.assembly.adapters import Adapters
from portfolio.settings import Settings

_log = structlog.get_logger(__name__)

# Shares of a request's deadline; what the database may take of it is said by its adapter.
PATIENCE_SHARE: Final = 0.3  # in which a booking's turn has to come
READ_SHARE: Final = 0.25  # after which a read is answered from what was seen last
CLOSES_SHARE: Final = 0.2  # the same for the price history
FETCH_SHARE: Final = 0.3  # for closes that a check before a trade lacks
PLAN_SHARE: Final = 0.3  # for the plan that signals are made of
ASK_SHARE: Final = 0.6  # for the closes of a backtest that is asked for
COMPUTE_SHARE: Final = 0.9  # for weights, all that goes before them included
GRACE_SHARE: Final = 0.5  # for each step of a stop, once every request has been answered


class Foundation:
    """What the parts of one portfolio's service share. ``listeners`` hear of all that is committed, in their order."""

    def __init__(self, adapters: Adapters, settings: Settings, portfolio_id: int, pace: Pace) -> None:
        self.of, self.settings, self.portfolio_id, self.pace = adapters, settings, portfolio_id, pace
        limit = PositionLimit(
            adapters.policy.position_limit * HUNDRED, adapters.categories, adapters.policy.stable_categories
        )
        self.rules = replace(settings.booking_rules, position_limit=limit)
        self.max_price_age = timedelta(seconds=settings.price_max_age_seconds)
        self.read_seconds = self.seconds(READ_SHARE)
        # Two containers may share a host name and a process id.
        self.instance = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.listeners: list[Listener] = []
        self.announce = Announcer(_note_failed_listener, self.listeners)

    def seconds(self, share: float) -> float:
        """Return a share of a request's deadline."""
        return share * self.settings.request_deadline_seconds


def _note_failed_listener(event: Announcement, error: Exception) -> None:
    """Log that a listener failed on an event; what the event tells of is committed all the same."""
    _log.error("event.listener_failed", event_type=type(event).__name__, exc_info=error)
