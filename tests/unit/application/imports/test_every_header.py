"""Each format in each of its header versions, with its traps: what each row becomes, in whatever bytes it comes."""

from __future__ import annotations

import random
from collections.abc import Iterable
from decimal import Decimal

import pytest

from portfolio.application.imports.records import Preview
from tests.support.import_files.forms import header_index, same_rows, table_of, written
from tests.support.import_files.sample import Sample
from tests.support.import_files.samples import SAMPLES
from tests.support.imports import previews

Events = list[tuple[str, dict[str, Decimal]]]
TABLES = [sample for sample in SAMPLES if sample.is_table]
each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda one: one.name)


def events_of(*found: Preview) -> Events:
    """Kind and net changes of each event, in a fixed order."""
    return ordered((one.event.kind.value, dict(one.event.legs)) for preview in found for one in preview.events)


def ordered(events: Iterable[tuple[str, dict[str, Decimal]]]) -> Events:
    return sorted(events, key=lambda one: (one[0], sorted(one[1].items())))


@each_sample
def test_each_row_becomes_what_it_has_to(sample: Sample) -> None:
    [found] = previews({sample.name: sample.text})
    assert events_of(found) == ordered(sample.expected)
    assert [one.row for one in found.ignored] == sorted(sample.ignored, key=str if not sample.is_table else int)
    assert [one.row for one in found.reported] == list(sample.reported)
    assert found.known == []


@each_sample
def test_bytes_that_say_the_same_become_the_same(sample: Sample) -> None:
    dice = random.Random(7)  # it is to be repeatable
    for _ in range(25):
        raw = same_rows(sample, dice)
        [found] = previews({sample.name: raw})
        assert events_of(found) == ordered(sample.expected), raw[:200]
        assert len(found.reported) == len(sample.reported)


@each_sample
def test_the_same_file_again_changes_nothing(sample: Sample) -> None:
    dice = random.Random(8)  # it is to be repeatable
    for _ in range(5):
        folder = f"again/{sample.name}"
        first, again = previews({sample.name: sample.text, folder: same_rows(sample, dice)})
        assert events_of(first) == ordered(sample.expected)
        assert again.events == []
        assert len(again.reported) == len(sample.reported)


@pytest.mark.parametrize("sample", TABLES, ids=lambda one: one.name)
def test_files_that_overlap_tell_each_row_once_in_whatever_order(sample: Sample) -> None:
    rows = table_of(sample.text)
    start = header_index(rows) + 1
    for overlap in (rows, [*rows[:start], *rows[start:][::-1]]):
        files = [(sample.name, sample.text), (f"more/{sample.name}", written(overlap))]
        for order in (files, files[::-1]):
            assert events_of(*previews(dict(order))) == ordered(sample.expected)


@pytest.mark.parametrize("sample", TABLES, ids=lambda one: one.name)
def test_a_file_put_behind_itself_tells_each_row_once(sample: Sample) -> None:
    rows = table_of(sample.text)
    below = rows[header_index(rows) :]
    [found] = previews({sample.name: written([*rows, *below])})
    assert events_of(found) == ordered(sample.expected)
    assert len(found.reported) == 2 * len(sample.reported)


@pytest.mark.parametrize("sample", TABLES, ids=lambda one: one.name)
def test_an_empty_row_moves_nothing(sample: Sample) -> None:
    [before] = previews({sample.name: sample.text})
    [found] = previews({sample.name: sample.text.rstrip("\r\n") + "\n,,,\n , ,,,,,,,\n"})
    assert (found.events, found.reported) == (before.events, before.reported)
    assert [one.reason for one in found.ignored[-2:]] == ["an empty row"] * 2


WAYS_OUT = (
    "ook it by hand",
    "ook them by hand",
    "of them by hand",
    "mport the",
    "mport all",
    "give --",
    "leave it out",
    "write base",
    "compare the two rows",
)


@pytest.mark.parametrize("sample", TABLES, ids=lambda one: one.name)
@pytest.mark.parametrize("rubbish", ["save it --now by hand", "-1", ""])
def test_whatever_a_cell_holds_a_report_says_what_to_do(sample: Sample, rubbish: str) -> None:
    rows = table_of(sample.text)
    start = header_index(rows) + 1
    for column in range(len(rows[start - 1])):
        spoilt = [[*row[:column], rubbish, *row[column + 1 :]] if len(row) > column else row for row in rows[start:]]
        for cut in (spoilt, [row[:column] for row in rows[start:]]):
            [found] = previews({sample.name: written([*rows[:start], *cut])})
            for one in found.reported:
                said = one.reason.replace(rubbish, "") if rubbish else one.reason
                assert any(way in said for way in WAYS_OUT), one.reason
