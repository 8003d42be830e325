"""Numbers as people read them, and how they get into a page."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError
from markupsafe import Markup
from msgspec import Raw

from portfolio.domain.money import Money, Price
from portfolio.entrypoints.http.pages.frame.engine import template_config
from portfolio.entrypoints.http.pages.frame.figures import Cell, Chart, Figure, Term
from portfolio.entrypoints.http.pages.frame.formats import Kind, age, shown
from portfolio.entrypoints.http.pages.frame.page import Frame

NOW = datetime(2026, 1, 31, 12, 0, 5, tzinfo=UTC)
AMOUNTS = st.decimals(min_value=Decimal("-1e19"), max_value=Decimal("1e19"), places=18)


def rendered(source: str, *, private: bool = False, **content: Any) -> str:
    """What a template makes of some content."""
    engine = template_config().engine_instance
    frame = Frame(title="Page", path="/", private=private)
    source = '{% import "parts/macros.html" as m with context %}' + source
    return engine.engine.from_string(source).render(frame=frame, **content).strip()


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ("0", Kind.MONEY, "$0.00"),
        ("0.005", Kind.MONEY, "$0.005000"),
        ("999999.994", Kind.MONEY, "$999,999.99"),
        ("1234567.5", Kind.MONEY, "$1,234,568"),
        ("12345678901", Kind.MONEY, "$12.35 B"),
        ("99999999999999999999", Kind.MONEY, "$100,000,000.00 T"),
        ("-0.000000000000000001", Kind.RESULT, "−$0.000000000000000001000"),
        ("12.345", Kind.RESULT, "+$12.34"),
        ("0", Kind.RESULT, "$0.00"),
        ("-3", Kind.CHANGE, "−3.00 %"),
        ("3", Kind.CHANGE, "+3.00 %"),
        ("3", Kind.PERCENT, "3.00 %"),
        ("-0.25", Kind.FRACTION, "−25.00 %"),
        ("0.1", Kind.QUANTITY, "0.1"),
        ("0.00012345678", Kind.QUANTITY, "0.0001235"),
        ("12.5", Kind.QUANTITY, "12.5"),
        ("250000", Kind.QUANTITY, "250,000"),
        ("0", Kind.QUANTITY, "0"),
        ("0.00001234", Kind.PRICE, "$0.00001234"),
        ("1.5", Kind.RATIO, "1.50"),
        ("3", Kind.COUNT, "3"),
        ("12345", Kind.COUNT, "12,345"),
        ("0.6337", Kind.PERCENT, "0.63 %"),
        ("0.06337", Kind.PERCENT, "0.063 %"),
        ("-0.0012345", Kind.CHANGE, "−0.0012 %"),
        ("73.5", Kind.NUMBER, "73.5"),
        ("1234560", Kind.NUMBER, "1,234,560"),
        ("0", Kind.NUMBER, "0"),
        ("0.25", Kind.NUMBER, "0.25"),
    ],
)
def test_a_number_is_written_by_its_magnitude(value: str, kind: Kind, text: str) -> None:
    assert shown(Decimal(value), kind) == text


@given(value=AMOUNTS, kind=st.sampled_from(Kind))
def test_no_number_is_written_with_an_exponent_and_no_loss_without_its_sign(value: Decimal, kind: Kind) -> None:
    text = shown(value, kind)
    assert "E" not in text.upper()
    assert text.startswith("−") is (value < 0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (172_799, "47 h"), (172_800, "2 days")],
)
def test_an_age_is_in_the_largest_unit_that_tells_something(seconds: int, text: str) -> None:
    assert age(seconds) == text


@pytest.mark.parametrize("value", [Decimal("-1234.50"), Money(Decimal("-1234.5")), Raw(b"-1234.5")])
def test_the_exact_digits_stand_beside_what_is_shown_and_are_those_of_the_api(value: object) -> None:
    assert rendered("{{ value|result }}", value=value) == '<span class="n down" data-exact="-1234.5">−$1,234.50</span>'


@pytest.mark.parametrize("kind", [Kind.MONEY, Kind.RESULT, Kind.COST, Kind.QUANTITY])
def test_a_private_page_has_no_amount_of_the_books(kind: Kind) -> None:
    html = rendered("{{ v|" + kind.value + " }}{{ v|of_kind(kind) }}", private=True, v=Decimal("77.25"), kind=kind)
    assert html == '<span class="private">hidden</span>' * 2


def test_a_private_page_has_the_prices_of_the_market_and_shares() -> None:
    html = rendered("{{ v|price }}{{ v|percent }}", private=True, v=Decimal("77.25"))
    assert html.count("77.25") == 4


@pytest.mark.parametrize("value", [Decimal(1), Money(Decimal(1)), Price(Decimal(1)), Raw(b"1"), 1.5])
def test_no_number_gets_into_a_page_without_a_filter(value: object) -> None:
    with pytest.raises(TypeError):
        rendered("{{ value }}", value=value)


@pytest.mark.parametrize("source", ["{{ nothing }}", "{{ nothing|money }}", "{{ frame.nothing|percent }}"])
def test_a_name_that_is_not_there_is_an_error(source: str) -> None:
    with pytest.raises(UndefinedError):
        rendered(source)


def test_what_is_not_defined_says_why_in_words() -> None:
    assert rendered("{{ none|money('no_price') }}", none=None) == '<span class="null">there is no price yet</span>'
    assert "not defined" in rendered("{{ none|money }}", none=None)
    assert "some new code" in rendered("{{ none|money('some_new_code') }}", none=None)


def test_times_and_days_say_that_they_are_utc() -> None:
    moment = datetime(2026, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert rendered("{{ at|moment }}", at=moment) == (
        '<time datetime="2025-12-31T23:30:00Z">2025-12-31 23:30:00 UTC</time>'
    )
    assert rendered("{{ on|day }}", on=date(2026, 1, 1)) == '<time datetime="2026-01-01">2026-01-01 UTC</time>'


def figure(**changed: Any) -> Figure:
    """A figure of two terms."""
    given: dict[str, Any] = {
        "name": "total_pnl",
        "label": "Total result",
        "value": Decimal(-5),
        "kind": Kind.RESULT,
        "formula": "realized + unrealized",
        "convention": "average cost",
        "as_of": NOW,
        "terms": [
            Term(label="realized", value=Decimal(2), kind=Kind.RESULT),
            Term(label="unrealized", value=Decimal(-7), kind=Kind.RESULT, sign="+"),
        ],
    }
    return Figure(**given | changed)


def test_a_figure_opens_its_formula_with_its_own_numbers_its_convention_and_its_moment() -> None:
    html = rendered("{{ m.figure(one) }}", one=figure())
    for part in ("<details", 'data-figure="total_pnl"', "realized + unrealized", 'data-exact="2"', 'data-exact="-7"'):
        assert part in html
    assert "average cost" in html
    assert "2026-01-31 12:00:05 UTC" in html
    assert '<span class="word">loss</span>' in html


def test_a_private_figure_says_nothing_of_its_amounts_and_not_whether_they_are_a_gain() -> None:
    html = rendered("{{ m.figure(one) }}", private=True, one=figure())
    assert html.count("hidden") == 4
    assert "loss" not in html
    assert "data-exact" not in html


def test_a_figure_that_is_not_defined_says_why() -> None:
    html = rendered("{{ m.figure(one) }}", one=figure(value=None, reason="no_history", terms=()))
    assert "there is no history yet" in html
    assert "gain" not in html


def test_under_a_chart_stands_its_table() -> None:
    chart = Chart(
        name="value",
        title="Value <by> day",
        svg=Markup("<svg></svg>"),
        columns=["Day (UTC)", "Value", "Note"],
        rows=[["2026-01-01", Cell(value=Decimal(7), kind=Kind.MONEY), "fine"]],
        note="Gaps stay gaps",
    )
    html = rendered("{{ m.chart(chart) }}", chart=chart)
    assert "<svg></svg>" in html
    assert "Value &lt;by&gt; day" in html
    assert '<th scope="row">2026-01-01</th>' in html
    assert 'data-exact="7">$7.00' in html
    assert "<td>fine</td>" in html
    assert "Gaps stay gaps" in html
