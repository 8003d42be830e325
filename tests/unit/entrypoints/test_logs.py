"""Logs: JSON, rendered once; readable on a terminal; harmless when a destination fails or hangs."""

from __future__ import annotations

import json
import logging
import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from pathlib import Path

import pytest
import structlog

from portfolio.entrypoints.log_writer import DROPPED
from portfolio.entrypoints.logs import EVENTS, REQUEST_ID, configure_logging, flush_logs
from portfolio.settings import Settings


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    configure_logging(Settings(log_file=""))
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def fail_with(secret: str) -> None:
    """Fail where a local variable holds a secret."""
    raise RuntimeError(str(len(secret)))


def fail_saying(text: str) -> None:
    """Fail with such a message."""
    raise RuntimeError(text)


def lines(path: Path, seconds: float = 1.0) -> list[dict[str, object]]:
    """What the file has, once all is written or so many seconds have passed."""
    flush_logs(seconds)
    return parsed(path.read_text() if path.exists() else "")


def parsed(text: str) -> list[dict[str, object]]:
    """The events of the lines."""
    return [json.loads(line) for line in text.splitlines()]


def printed(capfd: pytest.CaptureFixture[str]) -> str:
    """What the standard error got, once all is written."""
    flush_logs()
    return capfd.readouterr().err


def test_an_event_is_a_json_object_with_its_fields_and_the_request(tmp_path: Path) -> None:
    path = tmp_path / "log"
    configure_logging(Settings(log_file=str(path)))
    before = EVENTS["booking.committed"]
    answered = REQUEST_ID.set("r-1")
    structlog.get_logger("x").info("booking.committed", trades=2)
    structlog.get_logger("x").info("request.unreadable", request_id="r-2")  # told of what came after it
    REQUEST_ID.reset(answered)
    line, after = lines(path)
    assert after["request_id"] == "r-2"
    assert (line["event"], line["trades"], line["request_id"], line["level"]) == ("booking.committed", 2, "r-1", "info")
    assert str(line["timestamp"]).endswith("Z")
    assert EVENTS["booking.committed"] == before + 1


def test_other_libraries_log_the_same_way(tmp_path: Path) -> None:
    path = tmp_path / "log"
    configure_logging(Settings(log_file=str(path)))
    logging.getLogger("sqlalchemy").warning("pool %s", "full")
    logging.getLogger("sqlalchemy").info("request of a client", extra={"shoe": 1})
    assert next((line["event"], line["logger"]) for line in lines(path)) == ("pool full", "sqlalchemy")


def test_below_the_level_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "log"
    configure_logging(Settings(log_file=str(path), log_level="WARNING"))
    structlog.get_logger().info("request.served")
    assert lines(path) == []


def test_a_traceback_shows_no_local_variables(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "log"
    configure_logging(Settings(log_file=str(path)))
    try:
        fail_with("hunter-" + str(2))
    except RuntimeError:
        structlog.get_logger().exception("request.failed")
    assert "RuntimeError" in str(lines(path))
    assert "hunter-2" not in path.read_text() + printed(capfd)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_full_disk_is_counted_and_told_on_the_other_destination(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log_file="/dev/full"))
    before = DROPPED["file"]
    structlog.get_logger().info("request.served")
    served, unwritable = parsed(printed(capfd))
    assert served["event"] == "request.served"
    assert (unwritable["event"], unwritable["destination"]) == ("log.unwritable", "file")
    assert unwritable["reason"] == "No space left on device"
    assert DROPPED["file"] == before + 2


def test_a_file_that_cannot_be_opened_does_not_stop_the_service(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    configure_logging(Settings(log_file=str(tmp_path / "none" / "log")))
    structlog.get_logger().info("request.served")
    assert "request.served" in printed(capfd)


def test_a_file_that_is_rotated_away_is_followed_even_if_it_cannot_be_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    path = folder / "log"
    configure_logging(Settings(log_file=str(path)))
    log = structlog.get_logger()
    log.info("one.event")
    flush_logs()
    path.rename(folder / "log.1")
    log.info("two.events")
    assert [line["event"] for line in lines(path)] == ["two.events"]
    path.unlink()
    (folder / "log.1").unlink()
    folder.rmdir()
    before = DROPPED["file"]
    log.info("three.events")
    flush_logs()
    assert DROPPED["file"] > before
    folder.mkdir()
    log.info("four.events")
    *_, four, dropped = lines(path)
    assert (four["event"], dropped["event"]) == ("four.events", "log.dropped")
    assert dropped["lines"] == DROPPED["file"] - before


def test_configuring_again_does_not_double_the_lines(tmp_path: Path) -> None:
    path = tmp_path / "log"
    configure_logging(Settings(log_file=str(path)))
    configure_logging(Settings(log_file=str(path)))
    structlog.get_logger().info("one.event")
    assert len(lines(path)) == 1
    assert os.path.getsize(path) > 0


FORGED = "BTC\n2026-01-01T00:00:00Z [info     ] booking.committed\x1b[2J\x9b31m\u202e\u2028"


def test_what_others_sent_is_one_line_in_ascii(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "log"
    configure_logging(Settings(log_file=str(path)))
    structlog.get_logger().info("prices.refused", symbol=FORGED, nested=[FORGED])
    logging.getLogger("httpx").warning("of a library: %s", FORGED)
    text = printed(capfd)
    assert parsed(text) == lines(path)
    assert text.isascii()
    assert len(text.splitlines()) == 2
    assert (parsed(text)[0]["symbol"], parsed(text)[0]["nested"]) == (FORGED, [FORGED])


def test_what_cannot_be_written_as_json_fails_nobody(tmp_path: Path) -> None:
    configure_logging(Settings(log_file=str(tmp_path / "log")))
    structlog.get_logger().info("prices.refused", symbol="half \ud83d", nested={1: {2}, (3,): "\ud83d"})
    [ours] = [handler for handler in logging.getLogger().handlers if "portfolio" in type(handler).__module__]
    ours.emit(logging.LogRecord("httpx", logging.WARNING, "", 1, "%d of them", ("no number",), None))
    refused, faulty = lines(tmp_path / "log")
    assert (refused["event"], refused["symbol"], refused["nested"]) == ("prices.refused", "half \ud83d", "dict")
    assert faulty["event"] == "%d of them"


class CountsItsTexts:
    """A value that knows how often it was written as text."""

    def __init__(self) -> None:
        self.texts = 0

    def __repr__(self) -> str:
        self.texts += 1
        return "value"


def test_a_line_is_rendered_once_for_all_destinations(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log_file=str(tmp_path / "log")))
    value = CountsItsTexts()
    structlog.get_logger().info("one.event", value=value)
    assert parsed(printed(capfd)) == lines(tmp_path / "log")
    assert value.texts == 1


def test_what_was_logged_before_a_crash_is_written(tmp_path: Path) -> None:
    program = (
        "from portfolio.entrypoints.logs import configure_logging, structlog\n"
        "from portfolio.settings import Settings\n"
        "configure_logging(Settings(log_file='log'))\n"
        "structlog.get_logger().info('one.event')\n"
        "1 / 0\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "ZeroDivisionError" in done.stderr
    assert [line["event"] for line in parsed((tmp_path / "log").read_text())] == ["one.event"]


def test_what_python_prints_by_itself_is_a_line_of_the_log(tmp_path: Path) -> None:
    program = (
        "import sys, threading, warnings\n"
        "from portfolio.entrypoints.logs import configure_logging, log_what_python_prints\n"
        "from portfolio.settings import Settings\n"
        "configure_logging(Settings(log_file='log'))\n"
        "log_what_python_prints()\n"
        "class Object:\n"
        "    def __del__(self): 1 / 0\n"
        "warnings.warn('a server says\\nso')\n"
        "for work in (lambda: {}[1], sys.exit):\n"
        "    thread = threading.Thread(target=work)\n"
        "    thread.start()\n"
        "    thread.join()\n"
        "Object()\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, env=environment)
    found = parsed((tmp_path / "log").read_text())
    assert parsed(done.stderr) == found
    assert [line["event"] for line in found] == ["python.warned", "python.failed", "python.failed"]
    assert [found[0][name] for name in ("reason", "category", "place")] == [
        "a server says\nso",
        "UserWarning",
        "<string>:8",
    ]
    assert [str(line["exception"]).split("\n")[-1] for line in found[1:]] == [
        "KeyError: 1",
        "ZeroDivisionError: division by zero",
    ]


@contextmanager
def stuck_pipe() -> Iterator[int]:
    """A pipe for the standard error that nobody reads; what is yielded is its end to read from."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as pipe, redirect_stderr(pipe):
        yield reader
        configure_logging(Settings(log_file=""))
    os.close(reader)


def read_until(reader: int, event: str) -> list[Mapping[str, object]]:
    """Read events from the pipe, to the one with this name."""
    with os.fdopen(os.dup(reader)) as pipe:
        found = []
        for line in pipe:
            found.append(json.loads(line))
            if found[-1]["event"] == event:
                break
    return found


def test_a_pipe_that_nobody_reads_loses_lines_alone_and_they_are_counted_and_told(tmp_path: Path) -> None:
    path, count = tmp_path / "log", 20_000
    before = DROPPED["stderr"]
    with stuck_pipe() as reader:
        configure_logging(Settings(log_file=str(path)))
        log = structlog.get_logger()
        for number in range(count):
            log.info("one.event", number=number)
            while number % 2000 == 0 and number not in [line.get("number") for line in lines(path, 0.1)]:
                pass
        in_file = lines(path)
        assert [line["number"] for line in in_file if line["event"] == "one.event"] == list(range(count))
        [unwritable] = [line for line in in_file if line["event"] == "log.unwritable"]
        assert unwritable["destination"] == "stderr"
        dropped = DROPPED["stderr"] - before
        assert dropped > 0
        in_pipe = read_until(reader, "log.dropped")
        assert in_pipe[-1]["lines"] == dropped
        assert len(in_pipe) - 1 + dropped == count + 1  # with the line that tells of the first loss


@contextmanager
def short_files(most_bytes: int) -> Iterator[None]:
    """Let no file of this process grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_line_that_was_half_written_spoils_no_other(tmp_path: Path) -> None:
    path, log = tmp_path / "log", structlog.get_logger()
    with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):
        configure_logging(Settings(log_file=str(path)))
        with short_files(1000):
            for _ in range(20):
                log.info("one.event", text="x" * 100)
            flush_logs()
        log.info("two.events")
        flush_logs()
        configure_logging(Settings(log_file=""))
    text = path.read_text().splitlines()
    [torn] = [number for number, line in enumerate(text) if not line.endswith("}")]
    *whole, two, dropped = parsed("\n".join(text[:torn] + text[torn + 1 :]))
    assert (two["event"], dropped["event"]) == ("two.events", "log.dropped")
    assert len(whole) + int(str(dropped["lines"])) == 20 + 1  # with the line that tells of the first loss


def on_a_terminal(path: Path, *, until: int) -> list[str]:
    """What a terminal shows of what is logged here: an event and an exception with a forged message."""
    screen, terminal = os.openpty()
    with os.fdopen(terminal, "w") as stream, redirect_stderr(stream):
        configure_logging(Settings(log_file=str(path)))
        structlog.get_logger().info("prices.refused", symbol=FORGED, nested=[FORGED])
        try:
            fail_saying(FORGED)
        except RuntimeError:
            structlog.get_logger().exception("request.failed")
        flush_logs()
        with os.fdopen(screen, newline="") as shown:
            found = [shown.readline().removesuffix("\r\n") for _ in range(until)]
            configure_logging(Settings(log_file=""))
    return found


def test_a_terminal_gets_readable_lines_and_nothing_that_it_would_obey(tmp_path: Path) -> None:
    found = on_a_terminal(tmp_path / "log", until=9)
    colourless = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in found]
    assert all(line.isprintable() for line in colourless)
    first, second, *others = colourless
    assert "[info     ] prices.refused" in first
    assert "[error    ] request.failed" in second
    assert all(line.startswith("| ") for line in others)
    assert "RuntimeError" in others[-2]
    assert "booking.committed" in others[-1]
    assert len(lines(tmp_path / "log")) == 2
