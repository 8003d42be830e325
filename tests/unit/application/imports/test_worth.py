"""What assets were worth: a file of rates says it, or it is refused with its line."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from portfolio.application.imports.worth import RatesRefused, Worth, WorthUnknown, read_rates
from tests.support.imports import FilesInMemory

HEAD = "date,currency,dollars\n"


def test_rates_are_read_by_the_names_of_their_columns() -> None:
    text = (
        "Dollars,note,Currency,date\n1.0821,,eur,2024-01-31\n1.0821,again,EUR,2024-01-31\n0.0000071,,SHIB,2024-02-01\n"
    )
    assert read_rates(FilesInMemory({"r": text}), "r") == {
        (date(2024, 1, 31), "EUR"): Decimal("1.0821"),
        (date(2024, 2, 1), "SHIB"): Decimal("0.0000071"),
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no table with the columns date, currency, dollars"),
        ("{}", "no table"),
        ("date,currency\n", "no table"),
        (HEAD + "31.01.2024,EUR,1\n", "line 2: '31.01.2024' is no date"),
        (HEAD + "2024-01-31,EUR,1\n2024-01-31,EUR,0\n", "line 3: '0' is not above zero"),
        (HEAD + "2024-01-31,EUR,x\n", "'x' is not a number"),
        (HEAD + "2024-01-31,E-R,1\n", "'E-R' is not the code"),
        (HEAD + "2024-01-31,EUR\n", "the line is cut"),
        (HEAD + '2024-01-31,EUR,"1\n', "is opened and not closed"),
        (HEAD + "2024-01-31,EUR,1\n2024-01-31,EUR,2\n", "line 3: another line says 1 of that day"),
    ],
)
def test_what_is_no_rate_is_refused_with_its_line(text: str, why: str) -> None:
    with pytest.raises(RatesRefused, match=why):
        read_rates(FilesInMemory({"r": text}), "r")


def test_the_day_is_that_of_utc_and_the_close_counts_before_the_rate() -> None:
    day = date(2024, 1, 31)
    worth = Worth({(day, "EUR"): Decimal("1.1")}, {(day, "EUR"): Decimal(2), (day, "BTC"): Decimal(40_000)})
    at = datetime.fromisoformat("2024-02-01T00:30:00+01:00")
    assert worth("EUR", Decimal(10), at).value == 20
    assert worth("BTC", Decimal("0.1"), at).value == 4_000
    with pytest.raises(WorthUnknown, match="what BTC was worth on 2024-02-01"):
        worth("BTC", Decimal(1), datetime(2024, 2, 1, 1, tzinfo=UTC))
