"""What is asked of the stream: the topics, and from where on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

from litestar.params import QueryParameter

from portfolio.application.stream.records import BEFORE_ALL, Place, StreamRequest, Topic
from portfolio.entrypoints.http.errors import MALFORMED, FieldError, RequestError

NOW: Final = "now"
START: Final = "start"
LAST_EVENT_ID: Final = b"last-event-id"

_AFTER: Final = "The position of the last message that came; `start` for all entries from the first one on"
AFTER: Final = f"{_AFTER}; `now`, the default, for what comes."
TOPICS: Final = f"What is wanted, separated by commas: {', '.join(Topic)}. By default all of it."

AfterQuery = Annotated[str | None, QueryParameter(description=AFTER)]
EntriesAfterQuery = Annotated[str | None, QueryParameter(description=f"{_AFTER}, which is the default.")]
TopicsQuery = Annotated[str | None, QueryParameter(description=TOPICS)]


def stream_request(after: str | None, topics: str | None, headers: Iterable[tuple[bytes, bytes]]) -> StreamRequest:
    """Return what a subscriber wants; ``Last-Event-ID``, which browsers send on their own, wins over ``after``."""
    last = next((value.decode("latin-1").strip() for name, value in headers if name == LAST_EVENT_ID), "")
    place = _place(last, "Last-Event-ID") if last else read_after(after or NOW)
    return StreamRequest(topics=_topics(topics), after=place)


def read_after(text: str) -> Place | None:
    """Return the place that ``after`` names; None is now."""
    if text == NOW:
        return None
    return BEFORE_ALL if text == START else _place(text, "after")


def _place(text: str, name: str) -> Place:
    try:
        return Place.parse(text)
    except ValueError as error:
        raise RequestError(MALFORMED, f"{name}: {error}", errors=[FieldError(name, str(error))]) from error


def _topics(text: str | None) -> frozenset[Topic]:
    names = [] if text is None else [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in set(Topic)]
    if unknown:
        reason = f"takes {', '.join(Topic)}, separated by commas, and not {unknown[0][:50]!r}"
        raise RequestError(MALFORMED, f"topics: {reason}", errors=[FieldError("topics", reason)])
    return frozenset(map(Topic, names or Topic))
