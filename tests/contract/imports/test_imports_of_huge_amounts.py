"""A row after which the books could not be written is reported, by a preview and by the import that it is of."""

from __future__ import annotations

from portfolio.application.imports.kept.answers import answers_of
from tests.contract.imports.test_import_booking import GLUED, assert_as_previewed, imported, ports, reasons
from tests.contract.ledger.ledger_kinds import Ports
from tests.support.ledger_examples import open_books

__all__ = ["ports"]

WORTH_1E20 = GLUED + (
    "2022-03-01 10:00:00,BTCUSDT,BUY,40000,0.5BTC,20000USDT,0BTC\n"
    "2022-03-01 10:01:00,SHIBUSDT,BUY,0.000000001,200000000000SHIB,200USDT,0SHIB\n"
    "2022-03-01 10:02:00,SHIBUSDT,BUY,1000000000,0.000001SHIB,1000USDT,0SHIB\n"
    "2022-03-01 10:03:00,BTCUSDT,SELL,40000,0.25BTC,10000USDT,0BTC\n"
)


async def test_a_trade_after_which_all_would_be_worth_1e20_is_reported_and_the_others_are_booked(ports: Ports) -> None:
    before = await open_books(ports.ledger)
    looked = await imported(ports, {"one.csv": WORTH_1E20}, partial=True, dry_run=True)
    booked = await imported(ports, {"one.csv": WORTH_1E20}, partial=True)
    assert answers_of(booked) == answers_of(looked)
    assert [one.row for one in booked[0].reported] == [4]
    assert reasons(booked) == [
        "2.000e+20 is out of range: amounts stay below 1e20: mend the row in the file, or book it by hand"
    ]
    await assert_as_previewed(ports, before, booked)
