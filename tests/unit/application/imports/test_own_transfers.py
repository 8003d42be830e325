"""Two files that tell one transfer between places of the same owner."""

from __future__ import annotations

import pytest

from portfolio.application.imports.already.own_transfers import tell_own_transfers
from portfolio.application.imports.records import Preview
from tests.support.imports import previews

HEADER = "Date,Sent Amount,Sent Currency,Received Amount,Received Currency,Fee Amount,Fee Currency,Label\n"


def told(files: dict[str, str]) -> list[Preview]:
    found = previews(files)
    tell_own_transfers(found)
    return found


def sent(at: str, quantity: str, coin: str = "BTC") -> str:
    return f"{at}Z,{quantity},{coin},,,,,\n"


def came(at: str, quantity: str, coin: str = "BTC") -> str:
    return f"{at}Z,,,{quantity},{coin},,,\n"


def test_what_comes_after_it_left_elsewhere_is_told_with_both_rows() -> None:
    one = HEADER + sent("2024-03-01 10:00:00", "1.001") + sent("2024-03-01 10:05:00", "1.0005")
    other = HEADER + came("2024-03-01 10:30:00", "1") + came("2024-03-01 10:40:00", "1")
    left, there = told({"a.csv": one, "b.csv": other})
    assert left.remarks == ()
    [said] = there.remarks
    # the nearest quantity first: the second row of the one file is the first row of the other
    assert said.startswith("what rows 2, 3 say: may be what left by rows 3, 2 of a.csv. Nothing is counted twice")


@pytest.mark.parametrize(
    "row",
    [
        came("2024-03-02 10:00:01", "1"),  # over a day later
        came("2024-03-01 09:49:59", "1"),  # before it left
        came("2024-03-01 11:00:00", "1.1"),  # more than left
        came("2024-03-01 11:00:00", "0.9"),  # less than a fee explains
        came("2024-03-01 11:00:00", "1", "ETH"),
    ],
)
def test_what_may_not_be_the_same_is_not_told(row: str) -> None:
    found = told({"a.csv": HEADER + sent("2024-03-01 10:00:00", "1"), "b.csv": HEADER + row})
    assert [one.remarks for one in found] == [(), ()]


def test_within_one_file_nothing_is_told() -> None:
    text = HEADER + sent("2024-03-01 10:00:00", "1") + came("2024-03-01 10:30:00", "1")
    assert [one.remarks for one in told({"a.csv": text})] == [()]
