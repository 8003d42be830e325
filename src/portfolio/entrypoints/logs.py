"""Logs: one JSON object a line, rendered once; readable lines on a terminal. Nobody who logs waits, or fails."""

from __future__ import annotations

import atexit
import json
import logging
import re
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog
from structlog.typing import EventDict

from portfolio.entrypoints.log_writer import LogFile, LogWriter
from portfolio.settings import Settings

EVENTS: Final[Counter[str]] = Counter()
"""How often each event was logged: names are dotted nouns, so there are only so many."""

REQUEST_ID_HEADER: Final = b"x-request-id"
REQUEST_ID: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)
"""The request that is being answered; each line that is logged meanwhile has it."""

LAST_WRITE_SECONDS: Final = 1.0

_log = structlog.get_logger(__name__)
_DOTTED = re.compile(r"[a-z][a-z_]*(\.[a-z_]+)+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_WRITERS: Final[list[LogWriter]] = []
# What JSON lacks is written as its text.
_ENCODER = msgspec.json.Encoder(enc_hook=repr)


def configure_logging(settings: Settings) -> None:
    """Send every log of the process to the file and to the standard error; safe to call again."""
    flush_logs()
    for writer in _WRITERS:
        writer.close()
    _WRITERS[:] = _writers(settings)
    for writer in _WRITERS:
        writer.start()
    structlog.configure(
        processors=[_counted, structlog.processors.format_exc_info, _rendered],
        logger_factory=_Logger,
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers = [handler for handler in root.handlers if not isinstance(handler, _LibraryHandler)]
    root.addHandler(_LibraryHandler())
    root.setLevel(settings.log_level)
    # It has a line for every request, of the client's making; ours is `request.served`.
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("httpx").setLevel(logging.WARNING)


def log_what_python_prints() -> None:
    """Have what Python prints on the standard error by itself be lines of the log: they are in the file, too."""
    warnings.showwarning = _log_warning
    threading.excepthook = sys.unraisablehook = _log_failure


def _log_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any, **__: Any
) -> None:
    place = f"{Path(filename).name}:{lineno}"
    _log.warning("python.warned", reason=str(message), category=category.__name__, place=place)


def _log_failure(failed: threading.ExceptHookArgs | sys.UnraisableHookArgs) -> None:
    if failed.exc_type is not SystemExit:
        found = (failed.exc_type, failed.exc_value, failed.exc_traceback)
        _log.error("python.failed", exc_info=found)


@atexit.register
def flush_logs(seconds: float = LAST_WRITE_SECONDS) -> None:
    """Return when all lines are written, or after ``seconds``: a destination that hangs holds nothing up."""
    until = time.monotonic() + seconds
    for _ in range(2):  # what one destination has lost is told on the other
        for writer in _WRITERS:
            writer.hurry()
        for writer in _WRITERS:
            writer.wait(max(0.0, until - time.monotonic()))


class _Logger:
    """Hands rendered lines to each destination."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def info(self, line: bytes) -> None:
        for writer in _WRITERS:
            writer.put(line)

    debug = warning = error = critical = info


class _LibraryHandler(logging.Handler):
    """Passes on what libraries log, as events."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001  a library's faulty line must not fail what logs it
            message = str(record.msg)
        log, level = _Logger(record.name), record.levelname.lower()
        event: EventDict = {"event": message, "exc_info": record.exc_info}
        log.info(_rendered(log, level, structlog.processors.format_exc_info(log, level, event)))


def _counted(_logger: _Logger, _level: str, event: EventDict) -> EventDict:
    name = event["event"]
    if name in EVENTS or _DOTTED.fullmatch(name):
        EVENTS[name] += 1
    return event


def _rendered(logger: _Logger, level: str, event: EventDict) -> bytes:
    line = {"timestamp": datetime.now(UTC), "level": level, "event": event["event"], "logger": logger.name, **event}
    if request_id := REQUEST_ID.get():
        line.setdefault("request_id", request_id)
    return _json(line) + b"\n"


def _json(event: Mapping[str, Any]) -> bytes:
    """Return the event as JSON in ASCII, in one line: what others sent may be in it."""
    try:
        line = _ENCODER.encode(event)
    except Exception:  # noqa: BLE001  half a character, or a value that fails when it is written: no request may fail
        simple = (str, int, float)
        plain = {name: value if isinstance(value, simple) else type(value).__name__ for name, value in event.items()}
        return json.dumps({**plain, "timestamp": str(event["timestamp"])}).encode("ascii")
    if line.isascii():
        return line
    return _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], line.decode()).encode("ascii")


def _writers(settings: Settings) -> list[LogWriter]:
    writers = []
    try:
        descriptor, is_terminal = sys.stderr.fileno(), sys.stderr.isatty()
    except (AttributeError, OSError):  # it was closed before the start, or is no file
        pass
    else:
        dressed = _readable() if is_terminal else bytes
        writers.append(LogWriter("stderr", lambda: descriptor, dressed=dressed))
    if settings.log_file:
        writers.append(LogWriter("file", LogFile(settings.log_file).open))
    return writers


def _readable() -> Callable[[bytes], bytes]:
    """Return what turns a line of JSON into what a person reads on a terminal."""
    console = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)

    def readable(line: bytes) -> bytes:
        event = msgspec.json.decode(line)
        # Each line of a traceback is marked as one: no message of an exception passes for a line of the log.
        traceback = [f"| {_escaped(part)}" for part in event.pop("exception", "").splitlines()]
        event = {name: _escaped(value) if isinstance(value, str) else value for name, value in event.items()}
        if traceback:
            event["exception"] = "\n".join(traceback)
        return f"{console(None, '', event)}\n".encode()

    return readable


def _escaped(text: str) -> str:
    """Return the text with all that a terminal would obey, or take for another line, written out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
