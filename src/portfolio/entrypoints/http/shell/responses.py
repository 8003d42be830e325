"""Answers as bytes: success and problems alike, encoded in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec
from litestar import Request, Response
from litestar.response.base import ASGIResponse
from msgspec import UNSET, Meta, Raw, UnsetType

from portfolio.application.in_thread import in_thread
from portfolio.entrypoints.http.errors import FieldError, ProblemKind
from portfolio.entrypoints.http.shell.decimal_strings import rewriting, wants_strings

JSON = "application/json"
JSON_WITH_STRINGS = "application/json;IEEE754Compatible=true"
PROBLEM_JSON = "application/problem+json"

encode = msgspec.json.Encoder().encode


PriceFeedLabel = Annotated[str, Meta(description="`simulated` where prices are made up; else absent.")]


class Labelled(msgspec.Struct, kw_only=True):
    """What every object of an answer may have; it is written in one place for all, see ``price_label``."""

    price_feed: PriceFeedLabel | UnsetType = UNSET


class Problem(Labelled, kw_only=True):
    """What is wrong, as RFC 9457 has it; ``errors`` names the fields of the request it is about."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldError]


class BookingProblem(Problem, kw_only=True):
    """A booking that was refused and is kept; sent again with its key, it is answered the same."""

    timestamp: datetime
    replayed: bool


class JsonResponse(Response[Any]):
    """An answer in one of two forms: its decimals are numbers, or, where the client asked for them, strings.

    Both have the same digits. Handlers need not know which of the two is sent.
    """

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], **options: Any) -> ASGIResponse:
        """Return the answer as it is sent."""
        made = super().to_asgi_response(app, request, **options)
        if made.headers.get("content-type") == JSON:
            rewrite = rewriting(request.route_handler.parsed_fn_signature.return_type.annotation)
            if rewrite is not None:
                made.headers["vary"] = "Accept"  # in both forms: a cache may have kept either
                if wants_strings(request.scope):
                    made.body = bytes(rewrite(Raw(made.body)))
                    made.headers["content-type"] = JSON_WITH_STRINGS
                    made.headers["content-length"] = str(len(made.body))
        return made


def encoded(
    body: bytes, *, status: int = 200, media_type: str = JSON, headers: Mapping[str, str] | None = None
) -> Response[Any]:
    """Return an answer whose body is encoded already."""
    return JsonResponse(body, status_code=status, media_type=media_type, headers=headers)


async def encoded_in_thread(make: Callable[[], Answer]) -> Response[Any]:
    """Return what ``make`` answers, made and encoded in a thread, as it may be long."""
    return encoded(await in_thread(lambda: encode(make())))


def problem(kind: ProblemKind, detail: str, *, path: str, errors: Sequence[FieldError] = ()) -> Problem:
    """Return the body of a problem that occurred at ``path``."""
    return Problem(
        type=kind.type,
        title=kind.title,
        status=kind.status,
        detail=detail,
        instance=quote(path),
        errors=list(errors),
    )


def problem_answer(body: Problem, *, headers: Mapping[str, str] | None = None) -> Response[Any]:
    """Return a failure with ``body``, under the status that it names."""
    return encoded(encode(body), status=body.status, media_type=PROBLEM_JSON, headers=headers)


SymbolCode = Annotated[str, Meta(extra={"write": str})]


Reasons = Annotated[dict[str, str], Meta(description="Why a field beside it is null, as a code.")]


Moment = Annotated[datetime, Meta(description="UTC, ISO 8601, ending in Z.")]


Cursor = Annotated[str | None, Meta(description="Send it as `cursor` for the next page; null at the end.")]


class Answer(Labelled, kw_only=True):
    """What every success has."""

    status: Literal["success"] = "success"
    timestamp: Moment
