"""The keys that make a request happen once, from its body or its header."""

from __future__ import annotations

import re
from typing import Final

from portfolio.entrypoints.http.errors import MALFORMED, FieldError, RequestError
from portfolio.entrypoints.http.shell.bodies import LONGEST_KEY, FieldReader
from portfolio.entrypoints.http.shell.injection import HttpRequest

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"

_KEY = re.compile(f"[ -~]{{1,{LONGEST_KEY}}}")


def header_key(request: HttpRequest) -> str | None:
    """Return the key in the request's header; None where there is none.

    Raises:
        RequestError: there are several, and they differ.
    """
    found = {value for name, value in request.scope["headers"] if name == HEADER.lower().encode() and value}
    if len(found) > 1:
        raise _refused("is given twice, with different keys")
    return found.pop().decode("latin-1") if found else None


def refuse_header_key(request: HttpRequest, *, instead: str = "booking its own client_trade_id") -> None:
    """Refuse a key in the header where one key cannot stand for all that is asked.

    Raises:
        RequestError: there is one.
    """
    if header_key(request) is not None:
        raise _refused(f"means nothing for a batch: give each {instead}")


def one_key(reading: FieldReader, field: str, stated: str | int | None, in_header: str | None) -> str | None:
    """Return the key of a request, from its body or its ``Idempotency-Key``; both and different is refused."""
    in_body = reading.text(field, stated, LONGEST_KEY)
    if in_header is not None and not _KEY.fullmatch(in_header):
        reading.refuse(HEADER, "has to be 1 to 128 printable ASCII characters")
    elif in_header is not None and in_body is not None and in_header != in_body:
        reading.refuse(field, "differs from the header Idempotency-Key")
    return in_body if in_body is not None else in_header


def _refused(reason: str) -> RequestError:
    return RequestError(MALFORMED, f"the header {HEADER} {reason}", errors=[FieldError(HEADER, reason)])
