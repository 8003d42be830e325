"""What may be answered: a body that the document's schema allows, or a problem that the document names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

PROBLEM_FIELDS = {"type", "title", "status", "detail", "instance", "errors"}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came over the wire."""

    status: int
    content_type: str
    body: bytes

    @property
    def slug(self) -> str:
        """What kind of problem it is; empty where it is none."""
        if self.content_type != "application/problem+json":
            return ""
        return str(json.loads(self.body)["type"]).removeprefix("/problems/")


def answers_in(raw: bytes) -> Iterator[Answer]:
    """Yield the answers that came on one connection; several, where what was sent was read as several requests."""
    while raw:
        head, _, rest = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        status = int(first.split()[1])
        if status < 200 or status == 304 or ("content-length" not in headers and "transfer-encoding" not in headers):
            body, raw = b"", rest
        elif "content-length" in headers:
            length = int(headers["content-length"])
            body, raw = rest[:length], rest[length:]
            if len(body) < length:  # the answer to HEAD has the length of another
                body, raw = b"", rest
        else:
            body, raw = _dechunked(rest)
        if status >= 200:
            yield Answer(status, headers.get("content-type", "").partition(";")[0], body)


def _dechunked(raw: bytes) -> tuple[bytes, bytes]:
    body = b""
    while True:
        size, _, raw = raw.partition(b"\r\n")
        length = int(size or b"0", 16)
        body, raw = body + raw[:length], raw[length + 2 :]
        if not length:
            return body, raw


class Contract:
    """The OpenAPI document, asked whether an answer is one that it promises."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._routes = [
            (re.compile("".join("[^/]+" if part.startswith("{") else re.escape(part) for part in split(path))), path)
            for path in document["paths"]
        ]
        self._validators: dict[tuple[str, str, int], Any] = {}

    def complaint(self, method: str, path: str, answer: Answer) -> str | None:
        """Return what is wrong with the answer to a request of this method and path; None where nothing is."""
        if answer.status == 500 or (answer.status > 500 and answer.status != 503):
            return f"{answer.status}: {answer.body[:300]!r}"
        if answer.content_type == "application/problem+json":
            problem = json.loads(answer.body)
            if problem.keys() < PROBLEM_FIELDS or problem["status"] != answer.status:
                return f"no whole problem: {problem}"
            return None
        if answer.status >= 400:
            return None if self._is_health(path) or not answer.body else f"no problem: {answer}"
        route = next((path_ for pattern, path_ in self._routes if pattern.fullmatch(path)), None)
        if route is None or answer.content_type != "application/json" or not answer.body:
            return None
        validator = self._validator(route, method.lower(), answer.status)
        if validator is None:
            return f"{method} {route} is not said to answer {answer.status}"
        error = next(validator.iter_errors(json.loads(answer.body)), None)
        return None if error is None else f"{method} {route}: {str(error)[:500]}"

    def _is_health(self, path: str) -> bool:
        return path == "/health"

    def _validator(self, route: str, method: str, status: int) -> Any:
        key = route, method, status
        if key not in self._validators:
            operation = self._document["paths"][route].get(method, {"responses": {}})
            response = operation["responses"].get(str(status))
            if response is None:
                return None
            schema = response.get("content", {}).get("application/json", {}).get("schema", {})
            whole = {**schema, "components": self._document["components"]}
            self._validators[key] = jsonschema_rs.validator_for(whole)
        return self._validators[key]


def split(path: str) -> list[str]:
    """The parts of a path of the document: what is fixed, and what a request fills in."""
    return re.split(r"(\{[^}]*\})", path)
