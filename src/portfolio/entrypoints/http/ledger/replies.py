"""What became of a wish, or of each of a batch: an answer, or a problem."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

from litestar import Response
from msgspec import Raw, Struct

from portfolio.application.ledger.happenings.records import EventReply
from portfolio.application.ledger.records import BookingReply
from portfolio.entrypoints.http.errors import RequestError, field_errors, kind_of
from portfolio.entrypoints.http.ledger.idempotency import REPLAYED
from portfolio.entrypoints.http.shell.responses import Answer, JsonResponse, Problem, problem, problem_answer

W = TypeVar("W")
R = TypeVar("R", BookingReply, EventReply)


def replied(content: Answer | Problem, *, replayed: bool) -> Response[Any]:
    """Return the response to a wish; its header says so where it was decided before."""
    headers = {REPLAYED: "true"} if replayed else None
    if isinstance(content, Problem):
        return problem_answer(content, headers=headers)
    return JsonResponse(content, headers=headers)


def read_each(bodies: Iterable[Raw], read: Callable[[bytes], W]) -> list[W | RequestError]:
    """Return the wishes of a batch, in order; for one that cannot be read, why."""

    def read_alone(body: Raw) -> W | RequestError:
        try:
            return read(bytes(body))
        except RequestError as error:
            return error

    return [read_alone(body) for body in bodies]


async def decided(
    wishes: Sequence[W | RequestError], book: Callable[[Sequence[W]], Awaitable[Sequence[R | Exception]]]
) -> list[R | Exception]:
    """Return what became of each wish of a batch, in order: one that cannot be read leaves the others alone."""
    readable = [wish for wish in wishes if not isinstance(wish, RequestError)]
    booked = iter(await book(readable) if readable else ())
    return [wish if isinstance(wish, RequestError) else next(booked) for wish in wishes]


def batch_fields(
    kind: type[Struct], name: str, results: Sequence[R | Exception], answer: Callable[[R], Answer | Problem], path: str
) -> dict[str, Any]:
    """Return the fields of the answer to a batch: what became of each, under ``name`` if booked, and how many were."""
    items, count = [], Counter({"booked": 0, "refused": 0, "unreadable": 0})
    for index, result in enumerate(results):
        content: Answer | Problem
        if isinstance(result, Exception):
            content, replayed = problem(kind_of(result), str(result), path=path, errors=field_errors(result)), False
        else:
            content, replayed = answer(result), result.replayed
        booked, refused = (None, content) if isinstance(content, Problem) else (content, None)
        status = "booked" if refused is None else "unreadable" if isinstance(result, RequestError) else "refused"
        http_status = 200 if refused is None else refused.status
        known = {"index": index, "status": status, "http_status": http_status, "replayed": replayed}
        items.append(kind(**known, **{name: booked}, problem=refused))
        count[status] += 1
    return {"results": items, **count}
