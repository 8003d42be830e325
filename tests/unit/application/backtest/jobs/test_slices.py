"""Slices: wherever a computation is cut, and whoever goes on with it, the same bytes come of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from functools import partial
from itertools import count

import msgspec
import pytest

from portfolio.analytics.closes import Join, NotJoined
from portfolio.application.backtest.jobs.records import Advanced, Outcome
from portfolio.application.backtest.jobs.slices import Given, advanced, begun, fingerprint
from portfolio.application.backtest.request import BacktestRequest, FillAt
from portfolio.application.backtest.sweeping.outcome import WholeResult
from portfolio.application.errors import NotBacktestable
from tests.support.backtests import held, named, panel_from, request_of, walk

PANEL = panel_from(walk(190, 4), named(4))
REQUEST = request_of(PANEL)
HELD = held(20_000, A00=100, A01=50, A02=10)
GIVEN = begun(REQUEST, PANEL, HELD)


def run(given: bytes, seconds: float) -> Iterator[Advanced]:
    """Slices of so many seconds, on a clock that goes on by one whenever it is looked at, from bytes to bytes."""
    clock = count()
    checkpoint: bytes | None = None
    while True:
        is_over = partial(lambda until: next(clock) >= until, next(clock) + seconds)
        now = advanced(given, checkpoint, is_over=is_over)
        checkpoint = now.checkpoint
        yield now
        if now.outcome is not None:
            return


def outcome_of(given: bytes, seconds: float) -> Outcome:
    """What comes of it in the end."""
    *_, last = run(given, seconds)
    assert last.outcome is not None
    return last.outcome


def test_where_slices_end_makes_no_difference() -> None:
    whole = outcome_of(GIVEN, 1_000)
    assert outcome_of(GIVEN, 0) == outcome_of(GIVEN, 2) == whole
    assert len(json.loads(whole.equity)) == 160
    assert json.loads(whole.trades), "it trades"
    assert json.loads(whole.result)["end_value"] == json.loads(whole.equity)[-1]["value"]


def test_progress_grows_with_the_days() -> None:
    seen = [now.progress for now in run(GIVEN, 0)]
    # 160 days, 32 a slice.
    assert seen == [Decimal(text) for text in ("0.200", "0.400", "0.600", "0.800", "1.000")]


def test_a_slice_is_a_pure_function() -> None:
    [first, second, *_] = run(GIVEN, 0)
    assert advanced(GIVEN, first.checkpoint, is_over=lambda: True) == second


def test_what_other_rules_have_begun_is_begun_anew() -> None:
    [first, second, *_] = run(GIVEN, 0)
    others = msgspec.msgpack.decode(second.checkpoint) | {"engine": "1"}
    of_another_shape = others | {"own": {"of_theirs": 1}}
    for checkpoint in (others, of_another_shape):
        found = advanced(GIVEN, msgspec.msgpack.encode(checkpoint), is_over=lambda: True)
        assert found == first


def test_what_it_is_computed_of_survives_its_bytes() -> None:
    given = Given.decode(GIVEN)
    assert given.encode() == GIVEN
    assert given.panel().fingerprint == PANEL.fingerprint
    assert given.holdings == HELD


def test_what_was_joined_comes_with_the_closes_and_without_any_the_bytes_are_those_of_before() -> None:
    assert len(msgspec.msgpack.decode(GIVEN)) == 8
    joins = (
        Join("A00", "OLD", Decimal(1000), PANEL.day(50)),
        Join("A01", "A01", Decimal(10), PANEL.day(60), NotJoined.NO_JUMP),
    )
    given = begun(REQUEST, replace(PANEL, joins=joins), HELD)
    assert Given.decode(given).panel().joins == joins
    assert fingerprint(given) != fingerprint(GIVEN)
    found = msgspec.json.decode(outcome_of(given, 1_000).result, type=WholeResult)
    assert (found.joined_history, found.unjoined_history) == ([joins[0]], [joins[1]])
    assert replace(PANEL, joins=joins).with_closes(PANEL.closes).joins == joins


def test_a_rate_is_in_the_request_and_where_it_is_nothing_the_bytes_are_those_of_before() -> None:
    assert REQUEST.at(Decimal(0)) == REQUEST
    assert b"risk_free_rate" not in REQUEST.encode()
    over = REQUEST.at(Decimal("0.050"))
    assert over.encode() == REQUEST.at(Decimal("0.05")).encode() != REQUEST.encode()
    assert BacktestRequest.decode(over.encode()).yearly_rate == Decimal("0.05")
    assert BacktestRequest.decode(REQUEST.encode()).yearly_rate == 0
    # from a checkpoint it goes on with its rate
    given = begun(over, PANEL, HELD)
    whole = outcome_of(given, 1_000)
    assert outcome_of(given, 0) == whole != outcome_of(GIVEN, 1_000)


@pytest.mark.parametrize("fill", FillAt)
def test_among_the_trials_of_others_it_counts_by_the_ratio_that_it_shows(fill: FillAt) -> None:
    request = msgspec.structs.replace(REQUEST.at(Decimal("0.05")), fill=fill)
    found = msgspec.json.decode(outcome_of(begun(request, PANEL, HELD), 1_000).result, type=WholeResult)
    assert found.sharpes[0] * 365**0.5 == pytest.approx(float(found.figures.sharpe_ratio or 0), abs=1e-9)


def test_fingerprints_tell_requests_closes_and_holdings_apart() -> None:
    closes = PANEL.closes.copy()
    closes[50, 0] *= 1.01
    others = [
        begun(request_of(PANEL, seed=1), PANEL, HELD),
        begun(REQUEST, PANEL.with_closes(closes), HELD),
        begun(REQUEST, PANEL, held(20_000, A00=100, A01=50, A02=11)),
    ]
    assert len({fingerprint(given) for given in [GIVEN, *others]}) == 4
    assert fingerprint(begun(request_of(PANEL), PANEL, HELD)) == fingerprint(GIVEN)


def test_what_cannot_begin_is_refused_before_it_is_kept() -> None:
    with pytest.raises(NotBacktestable):
        begun(REQUEST, PANEL, None)
