"""Events that are listed, refused ones as well, or looked up by a key."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from portfolio.application.ledger.cash_records import RefusedCashEntry
from portfolio.application.ledger.happenings.records import RecordedEvent
from portfolio.application.ledger.ports import Lookups
from portfolio.entrypoints.http.errors import MALFORMED, FieldError, RequestError
from portfolio.entrypoints.http.ledger.happenings.answers import EventsAnswer, event_view, refused_view
from portfolio.entrypoints.http.shell.auth import Caller
from portfolio.entrypoints.http.shell.bodies import read_cursor, write_cursor

_OF_REFUSED = "u"


class Wanted(NamedTuple):
    """Which events are wanted: those of a key, or a page of those that were booked, or refused."""

    client_event_id: str | None
    owner: str | None
    status: str | None
    cursor: str | None
    limit: int


async def listed_events(
    lookups: Lookups, portfolio_id: int, caller: Caller, wanted: Wanted, now: datetime
) -> EventsAnswer:
    """Return the events that are wanted.

    Raises:
        RequestError: parts of the query do not go with one another.
        KeyReused: the key is that of a deposit or a withdrawal.
    """
    _check(wanted)
    before, limit = read_cursor(wanted.cursor), wanted.limit
    if wanted.client_event_id is not None:
        found = await _under(lookups, portfolio_id, caller, wanted.client_event_id, wanted.owner)
        refused = [refused_view(found)] if isinstance(found, RefusedCashEntry) else []
        events = [event_view(found)] if isinstance(found, RecordedEvent) else []
        return EventsAnswer(timestamp=now, events=events, count=len(events), next_cursor=None, refused=refused)
    if wanted.status is not None:
        kept = await lookups.cash_refusals(portfolio_id, before=before, limit=limit)
        refused = [refused_view(one) for one in kept.items]
        following = write_cursor(_OF_REFUSED, kept.next_before)
        return EventsAnswer(timestamp=now, events=[], count=len(refused), next_cursor=following, refused=refused)
    page = await lookups.events(portfolio_id, before=before, limit=limit)
    views = [event_view(event) for event in page.items]
    following = write_cursor("e", page.next_before)
    return EventsAnswer(timestamp=now, events=views, count=len(views), next_cursor=following, refused=[])


def _check(wanted: Wanted) -> None:
    """Refuse what means nothing together.

    Raises:
        RequestError: parts of the query do not go with one another.
    """
    if wanted.client_event_id is None and wanted.owner is not None:
        raise _refused("owner", "says whose client_event_id is asked for: name that too")
    for name in ("cursor", "status"):
        if wanted.client_event_id is not None and getattr(wanted, name) is not None:
            raise _refused(name, "goes with a list: client_event_id asks for one event")
    if wanted.cursor is not None and wanted.cursor.startswith(_OF_REFUSED) is (wanted.status is None):
        raise _refused("cursor", "has to be the next_cursor of a page of this list")


def _refused(name: str, reason: str) -> RequestError:
    return RequestError(MALFORMED, f"{name} {reason}", errors=[FieldError(name, reason)])


async def _under(
    lookups: Lookups, portfolio_id: int, caller: Caller, key: str, owner: str | None
) -> RecordedEvent | RefusedCashEntry | None:
    """Return what became of a key: the caller's own, or that of an owner who is named."""
    found = await lookups.event_under(portfolio_id, caller.owner(None) if owner is None else owner, key)
    if found is None and owner is None and caller.adopts_open:
        found = await lookups.event_under(portfolio_id, "", key)
    return found
