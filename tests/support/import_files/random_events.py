"""Events of files at random: such as nearly all are, and such as nobody would write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from portfolio.domain.imports.events import Origin, Part, conversion, exchange, moved, received, renamed, single, valued
from portfolio.domain.imports.records import FileEvent, Kind, RowRefused

AT = datetime(2022, 3, 1, 10, tzinfo=UTC)

# Such as nearly all are, of which one is all but a rounding of another; and such as nobody trades.
USUAL = ("0.3", "0.5", "1", "2", "7.25", "100", "40000", "0.999999999999", "1.0000000000000001", "0.9999999999")
STRANGE = ("1e-18", "1e-10", "0.000000003", "1e11", "3e17", "9e18", "5e19", "0.1234567890123456789")
AMOUNTS = st.one_of(
    st.sampled_from([Decimal(text) for text in (*USUAL, *STRANGE)]),
    st.sampled_from([Decimal(text) for text in USUAL]),
    st.decimals("0.00000001", "1000", places=8),
)
SYMBOLS = st.sampled_from(["BTC", "BTC", "ETH", "BNB", "lower", "EUR", "EUR", "USD", "USDT", "USDC"])
PARTS = st.builds(lambda symbol, amount, sign: Part(symbol, amount.copy_sign(sign)), SYMBOLS, AMOUNTS, st.integers())
FEES = st.lists(st.builds(Part, SYMBOLS, st.decimals("-0.05", "0.2", places=8)), max_size=2)
WORTHS = st.one_of(st.none(), AMOUNTS)
CURRENCIES = st.sampled_from(["USD", "USD", "USDT", "EUR", "GBP"])
KINDS = st.sampled_from([*Kind])


@st.composite
def units(draw: st.DrawFn) -> list[FileEvent]:
    """Events of the same rows, with whatever fees and worths they have; else what their maker would never write."""
    origin = Origin((1,), AT + timedelta(hours=draw(st.integers(-3, 3))))
    one, other, fees = draw(PARTS), draw(PARTS), draw(FEES)
    what = draw(st.sampled_from(["trade", "trade", "exchange", "moved", "received", "charged", "renamed", "converted"]))
    try:
        if what == "trade":
            other = Part("USD", other.amount.copy_sign(one.amount.copy_negate()))
        if what == "moved":
            found = moved(origin, one, fees)
        elif what == "received":
            found = received(origin, draw(st.sampled_from([Kind.REWARD, Kind.AIRDROP])), one, fees)
        elif what == "charged":
            found = single(origin, Kind.FEE, one)
        elif what == "converted":
            found = conversion(origin, one, other, fees)
        else:
            found = exchange(origin, one, other, fees)
        said = draw(st.lists(st.tuples(st.sampled_from([one, other]), WORTHS, CURRENCIES), max_size=2))
        events = list(valued(renamed(found) if what == "renamed" else found, said))
    except RowRefused:
        at = origin.at
        kind = draw(KINDS)
        legs = {one.symbol: one.amount, other.symbol: other.amount}
        return [FileEvent((1,), at, kind, one.symbol, one.amount.copy_abs(), legs, quote=other.symbol)]
    if draw(st.integers(0, 9)) == 0:  # a fee that no leg has, or that is in something else
        events = [one._replace(fee=draw(AMOUNTS), fee_symbol=draw(SYMBOLS)) for one in events]
    return events
