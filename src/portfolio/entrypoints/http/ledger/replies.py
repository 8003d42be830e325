"""What became of a wish, or of each of a batch: an answer, or a problem."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, TypedDict, TypeVar

from litestar import Response
from msgspec import Raw

from portfolio.application.ledger.happenings.records import EventReply
from portfolio.application.ledger.records import BookingReply
from portfolio.entrypoints.http.errors import RequestError, field_errors, kind_of
from portfolio.entrypoints.http.ledger.idempotency import REPLAYED
from portfolio.entrypoints.http.shell.responses import Answer, JsonResponse, Problem, problem, problem_answer

W = TypeVar("W")
R = TypeVar("R", BookingReply, EventReply)
A = TypeVar("A", bound=Answer)

Status = Literal["booked", "refused", "unreadable"]


class ItemFields(TypedDict):
    """The fields of an item of a batch that are the same whatever was wished."""

    index: int
    status: Status
    http_status: int
    replayed: bool
    problem: Problem | None


class Counts(TypedDict):
    """How many wishes of a batch had which status."""

    booked: int
    refused: int
    unreadable: int


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


def batch_items(
    results: Sequence[R | Exception], answer: Callable[[R], A | Problem], path: str
) -> Iterator[tuple[A | None, ItemFields]]:
    """Yield what became of each wish of a batch: its answer, None where it was not booked, and all else of its item."""
    for index, result in enumerate(results):
        content: A | Problem
        if isinstance(result, Exception):
            content, replayed = problem(kind_of(result), str(result), path=path, errors=field_errors(result)), False
        else:
            content, replayed = answer(result), result.replayed
        if isinstance(content, Problem):
            status: Status = "unreadable" if isinstance(result, RequestError) else "refused"
            known = ItemFields(
                index=index, status=status, http_status=content.status, replayed=replayed, problem=content
            )
            yield None, known
        else:
            yield content, ItemFields(index=index, status="booked", http_status=200, replayed=replayed, problem=None)


def counts_of(statuses: Iterable[Status]) -> Counts:
    """Return how many wishes of a batch were booked, refused, and could not be read."""
    count = Counter(statuses)
    return Counts(booked=count["booked"], refused=count["refused"], unreadable=count["unreadable"])
