"""Logs: one JSON object a line in the log file, readable lines on the terminal, and neither can fail a request."""

from __future__ import annotations

import io
import logging
import logging.handlers
import re
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, Processor

from portfolio.settings import Settings

EVENTS: Final[Counter[str]] = Counter()
"""How often each event was logged: names are dotted nouns, so there are only so many."""

_DOTTED = re.compile(r"[a-z][a-z_]*(\.[a-z_]+)+")


def configure_logging(settings: Settings) -> None:
    """Send every log of the process to the file and to the terminal; safe to call again."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            count_event,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, _Quiet):
            root.removeHandler(handler)
            handler.close()
    root.addHandler(_terminal(shared))
    if settings.log_file:
        _add_file(root, settings.log_file, shared)
    root.setLevel(settings.log_level)
    # It has a line for every request, of the client's making; ours is `request.served`.
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("httpx").setLevel(logging.WARNING)


def count_event(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Count the event by its name; pass it on as it is."""
    name = event.get("event")
    if isinstance(name, str) and _DOTTED.fullmatch(name):
        EVENTS[name] += 1
    return event


class _Quiet(logging.Handler):
    """A handler that drops what it cannot write: a full disk must not fail a booking."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the name is the library's)
        EVENTS["log.dropped"] += 1


class _Terminal(_Quiet, logging.StreamHandler[Any]):
    """Writes to the terminal."""


class _File(_Quiet, logging.handlers.WatchedFileHandler):
    """Writes to a file, and follows when it is rotated away."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:  # the file is opened again outside of what the base class guards
            self.handleError(record)

    def close(self) -> None:
        with suppress(OSError):  # what is left in the buffer does not fit on a full disk
            super().close()


def _terminal(shared: list[Processor]) -> logging.Handler:
    handler = _Terminal(sys.stderr)
    # Plain tracebacks: the pretty ones show local variables, and a key may be one.
    renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=_write_traceback)
    handler.setFormatter(_formatter(shared, renderer, escape_controls))
    return handler


def escape_controls(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Return the event with all that a terminal would obey, or take for another line, written out.

    What others sent may be in it; the log file needs none of this, as JSON does the same.
    """
    return {name: _escaped(value) if isinstance(value, str) else value for name, value in event.items()}


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _write_traceback(target: TextIO, exc_info: Any) -> None:
    """Write a plain traceback, each line marked as one: no message of an exception passes for a line of the log."""
    plain = io.StringIO()
    structlog.dev.plain_traceback(plain, exc_info)
    target.write("\n" + "\n".join(f"| {_escaped(line)}" for line in plain.getvalue().splitlines()))


def _add_file(root: logging.Logger, path: str, shared: list[Processor]) -> None:
    try:
        handler = _File(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        logging.getLogger(__name__).warning("log.file_unusable: %s", error.strerror)
        return
    handler.setFormatter(_formatter(shared, structlog.processors.JSONRenderer(), structlog.processors.format_exc_info))
    root.addHandler(handler)


def _formatter(shared: list[Processor], renderer: Processor, *before: Processor) -> logging.Formatter:
    return _Formatter([*before, renderer], foreign_pre_chain=shared)


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Renders our own events without a copy of the record each; those of other libraries as the base class does."""

    def __init__(self, render: Sequence[Processor], *, foreign_pre_chain: Sequence[Processor]) -> None:
        processors = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render]
        super().__init__(processors=processors, foreign_pre_chain=foreign_pre_chain)
        self._render = render

    def format(self, record: logging.LogRecord) -> str:
        if not isinstance(record.msg, dict) or record.exc_info or record.stack_info:
            return super().format(record)
        line: Any = record.msg.copy()
        for processor in self._render:
            line = processor(None, record.levelname, line)
        return str(line)
