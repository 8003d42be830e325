"""Answers about files are written piece by piece, to the same bytes as at once."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portfolio.application.imports.kept.answers import answers_of, printed
from portfolio.application.imports.kept.words import in_fields
from portfolio.application.imports.records import Preview
from portfolio.domain.imports.records import Reported
from tests.support.import_files.samples import SAMPLES
from tests.support.imports import answer_of, previews

HEADER = "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n"


def made(count: int) -> Preview:
    """A preview of so many events, and of two rows that are reported."""
    rows = "".join(f"2022-03-01 10:{n // 60:02}:{n % 60:02},BTCUSDT,BUY,1,1BTC,1USDT,0USDT\n" for n in range(count))
    [preview] = previews({"ä\ud800.csv": f"{HEADER}{rows}cut\n2022-03-01 10:00,BTCUSDT,BUY,1,1BTC,1USDT,0USDT\n"})
    return preview


@pytest.mark.parametrize("count", [0, 1, 200, 201, 450])
def test_many_rows_are_the_same_text_as_all_at_once(count: int) -> None:
    one = made(count)
    assert len(one.events) == count
    assert "".join(printed([one])) == json.dumps(answer_of(one), separators=(",", ":"))
    assert "".join(printed([one, one])) == json.dumps([answer_of(one)] * 2, separators=(",", ":"))


def test_over_http_they_are_compact_and_say_fields() -> None:
    listed = [*previews({sample.name: sample.text for sample in SAMPLES}), made(201)]
    said = [{"name": one.name, "is_given_up": one.is_given_up, **answer_of(one, in_fields)} for one in listed]
    expected = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    assert answers_of(listed) == expected
    assert answers_of([]) == b"[]"


@given(st.text(st.characters(codec=None), max_size=20))
@example("k\u00f6p")
@example("half a character: \ud800")
@example('"\\\x00\x1f\x7f\b\n/')
def test_any_text_is_written_as_the_standard_library_writes_it(reason: str) -> None:
    one = Preview(name="file", format=None, rows=1, reported=[Reported(1, reason)])
    assert "".join(printed([one])) == json.dumps(answer_of(one), separators=(",", ":"))
    said = [{"name": "file", "is_given_up": False, **answer_of(one, in_fields)}]
    expected = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    assert answers_of([one]) == expected
