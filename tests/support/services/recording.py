"""What is asked and answered on the pages, as examples of the OpenAPI document.

The requests are those that the pages print; the routes that no page reaches are asked once more by the recorder. One
example an operation: the last answer, the bodies that were sent, and the problems that came back.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from portfolio.entrypoints.http.operations.openapi_operations import success_of

MOST_BODIES = 4
# Objects whose keys are names of the data, not fields.
MAPS = frozenset(
    {
        "reasons",
        "correlations",
        "sources",
        "evidence[].figures",
        "timeframes",
        "to_now",
        "priorities",
        "confidences",
        "weights",
        "weight_spread",
        "risk_contributions",
        "events[].legs",
        "quantities",
        "cash_change",
    }
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as a page prints it; ``files`` are those of a form, by their names."""

    method: str
    path: str
    body: Any = None
    files: Mapping[str, str] = field(default_factory=dict)


def requests_on(page: str) -> Iterator[Asked]:
    """Yield the requests of a page's examples, in order."""
    for line in re.findall(r"^\$ (curl .+)$", page, re.MULTILINE):
        words = shlex.split(line)
        words = words[: words.index("|")] if "|" in words else words
        url = next(word for word in words if word.startswith("localhost:"))
        body = json.loads(words[words.index("-d") + 1]) if "-d" in words else None
        method = "POST" if body is not None or "POST" in words else "GET"
        yield Asked(method, "/" + url.partition("/")[2], body)


@dataclass(slots=True)
class Recorder:
    """Asks a running service and keeps what it answers, by operation."""

    url: str
    document: dict[str, Any]
    examples: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def left(self) -> set[str]:
        """The operations of the document without an answer yet; what is answered as text has none."""
        described = {
            f"{method.upper()} {path}"
            for path, methods in self.document["paths"].items()
            for method, operation in methods.items()
            if method != "head" and "application/json" in operation["responses"][success_of(operation)]["content"]
        }
        return described - {name for name, example in self.examples.items() if "answer" in example}

    def ask_all(self, requests: Iterable[Asked]) -> None:
        """Ask them in order."""
        for asked in requests:
            self.ask(asked)

    def ask(self, asked: Asked) -> Any:
        """Ask, and return the answer."""
        content = None if asked.body is None else json.dumps(asked.body)
        headers = {"Content-Type": "application/json"} if asked.method == "POST" else {}
        sent: dict[str, Any] = {"content": content, "headers": headers}
        if asked.files:
            sent = {"files": [("file", (name, text)) for name, text in asked.files.items()]}
        got = httpx.request(asked.method, self.url + asked.path, timeout=60.0, **sent)
        example = self.examples.setdefault(f"{asked.method} {self._template(asked)}", {})
        if got.status_code in {200, 202}:
            example["answer"] = got.json()
        else:
            slug = got.json()["type"].rpartition("/")[2]
            example.setdefault("problems", {})[slug] = got.json()
        bodies = example.get("bodies", {})
        if asked.body is not None and asked.body not in bodies.values() and len(bodies) < MOST_BODIES:
            example["bodies"] = {**bodies, f"example {len(bodies) + 1}": asked.body}
        return got.json()

    def _template(self, asked: Asked) -> str:
        path = asked.path.partition("?")[0]
        templates: Iterator[str] = (
            template
            for template, methods in self.document["paths"].items()
            if asked.method.lower() in methods and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
        )
        return min(templates, key=lambda template: template.count("{"))


def fields_of(example: Any, where: str = "") -> set[str]:
    """Return the fields that an example has, by their path; those of all items of a list, or of a map, are one."""
    if isinstance(example, list):
        return {path for item in example for path in fields_of(item, f"{where}[]")}
    if not isinstance(example, dict):
        return set()
    is_map = any(where.endswith(f".{name}") for name in MAPS)
    found = [(f"{where}.{'*' if is_map else name}", value) for name, value in example.items()]
    return {at for at, _ in found} | {path for at, value in found for path in fields_of(value, at)}
