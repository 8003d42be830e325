"""Logs: JSON in the file, readable on the terminal, harmless when they fail."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from portfolio.entrypoints.logs import EVENTS, configure_logging
from portfolio.settings import Settings


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in [h for h in root.handlers if h not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    structlog.reset_defaults()


def fail_with(secret: str) -> None:
    """Fail where a local variable holds a secret."""
    raise RuntimeError(str(len(secret)))


def fail_saying(text: str) -> None:
    """Fail with such a message."""
    raise RuntimeError(text)


def lines(path: Path) -> list[dict[str, object]]:
    """What the file has."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_event_is_a_json_object_with_its_fields_and_the_request(tmp_path: Path) -> None:
    path = tmp_path / "log"
    configure_logging(Settings(log_file=str(path)))
    before = EVENTS["booking.committed"]
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger("x").info("booking.committed", trades=2)
    [line] = lines(path)
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
    assert path.read_text() == ""


def test_a_traceback_shows_no_local_variables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "log"
    configure_logging(Settings(log_file=str(path)))
    try:
        fail_with("hunter-" + str(2))
    except RuntimeError:
        structlog.get_logger().exception("request.failed")
    assert "RuntimeError" in path.read_text()
    assert "hunter-2" not in path.read_text() + capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_full_disk_is_counted_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log_file="/dev/full"))
    before = EVENTS["log.dropped"]
    structlog.get_logger().info("request.served")
    assert EVENTS["log.dropped"] == before + 1
    assert "request.served" in capsys.readouterr().err


def test_a_file_that_cannot_be_opened_does_not_stop_the_service(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(Settings(log_file=str(tmp_path / "none" / "log")))
    structlog.get_logger().info("request.served")
    assert "request.served" in capsys.readouterr().err


def test_a_file_that_is_rotated_away_is_followed_even_if_it_cannot_be_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    path = folder / "log"
    configure_logging(Settings(log_file=str(path)))
    log = structlog.get_logger()
    log.info("one.event")
    path.rename(folder / "log.1")
    log.info("two.events")
    assert [line["event"] for line in lines(path)] == ["two.events"]
    path.unlink()
    (folder / "log.1").unlink()
    folder.rmdir()
    before = EVENTS["log.dropped"]
    log.info("three.events")
    assert EVENTS["log.dropped"] == before + 1


def test_configuring_again_does_not_double_the_lines(tmp_path: Path) -> None:
    path = tmp_path / "log"
    configure_logging(Settings(log_file=str(path)))
    configure_logging(Settings(log_file=str(path)))
    structlog.get_logger().info("one.event")
    assert len(lines(path)) == 1
    assert os.path.getsize(path) > 0


FORGED = "BTC\n2026-01-01T00:00:00Z [info     ] booking.committed\x1b[2J\x9b31m\u202e\u2028"


def test_what_others_sent_is_one_line_and_moves_no_cursor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "log"
    configure_logging(Settings(log_file=str(path)))
    structlog.get_logger().info("prices.refused", symbol=FORGED, nested=[FORGED])
    logging.getLogger("httpx").warning("of a library: %s", FORGED)
    printed = capsys.readouterr().err
    assert len(printed.splitlines()) == len(lines(path)) == 2
    assert printed.replace("\n", "").isprintable()
    assert path.read_text().isascii()
    assert lines(path)[0]["symbol"] == FORGED


def test_the_message_of_an_exception_passes_for_no_line_of_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(Settings(log_file=str(tmp_path / "log")))
    try:
        fail_saying(FORGED)
    except RuntimeError:
        structlog.get_logger().exception("request.failed")
    first, *others = capsys.readouterr().err.splitlines()
    assert "request.failed" in first
    assert len(others) > 2
    assert all(line.startswith("| ") and line.isprintable() for line in others)
    assert len(lines(tmp_path / "log")) == 1
