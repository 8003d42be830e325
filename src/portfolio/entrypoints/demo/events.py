"""What happens in the demonstration beside trades and money: events, what is told late, a file, what is taken back."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

import msgspec

from portfolio.application.imports.records import ImportFile, Line, Table
from portfolio.application.ledger.happenings.records import BookEvent
from portfolio.application.ledger.records import BookTrade
from portfolio.domain.arithmetic import exact
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.happening import Happening
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.trade import Execution, Side
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.demo.engines import Prices

FILE_NAME: Final = "kraken-ledgers.csv"
REPEATED_DAY: Final = 200
"""An airdrop is told twice on this day, under two keys, and taken out by the operator."""

_K = CashTransactionKind
_ARB, _BTC, _DEMO, _ETH, _MATIC, _POL, _SOL, _XLM = map(
    Symbol, ("ARB", "BTC", "DEMO", "ETH", "MATIC", "POL", "SOL", "XLM")
)
LATE_SYMBOL, FILE_SYMBOL = _SOL, _XLM
_CENT: Final = Decimal("0.01")
_SIX: Final = Decimal("0.000001")
_STAKING_DAYS: Final = range(150, 730, 30)
_INTEREST_DAYS: Final = range(90, 730, 90)
_SPLIT_MONTH_AND_DAY: Final = (6, 1)  # as the simulated prices have it
_LATE_DOLLARS: Final = Decimal(3_000)
_HEADER: Final = "txid,refid,time,type,subtype,aclass,asset,amount,fee,balance"


@exact
def happenings(day: int, now: datetime, portfolio: Portfolio, prices: Prices) -> Sequence[BookEvent]:
    """Return the events of a day, in order; the same books and prices make the same ones."""
    held = {position.symbol: position.quantity.value for position in portfolio.open_positions}
    telling = _Telling(now, prices)
    return [*_again_and_again(day, telling, held, portfolio.cash.value), *_once(day, telling, held)]


def _again_and_again(day: int, telling: _Telling, held: Mapping[Symbol, Decimal], cash: Decimal) -> Iterator[BookEvent]:
    """Yield what comes every month, quarter or year."""
    if (telling.now.month, telling.now.day) == _SPLIT_MONTH_AND_DAY and held.get(_DEMO):
        yield telling.of(_K.SPLIT, symbol=_DEMO, ratio=Decimal(2))
    if day in _STAKING_DAYS and held.get(_ETH):
        yield telling.of(_K.INCOME, "staking", symbol=_ETH, quantity=_units(held[_ETH] * Decimal("0.0025")))
    if day in _INTEREST_DAYS:
        yield telling.of(_K.INTEREST, amount=_cents(cash * Decimal("0.005")))


def _once(day: int, telling: _Telling, held: Mapping[Symbol, Decimal]) -> Sequence[BookEvent]:
    """Return what happens on one day alone."""
    of = telling.of
    told: Mapping[int, Callable[[], Sequence[BookEvent]]] = {
        40: lambda: [of(_K.TRANSFER_IN, symbol=_MATIC, quantity=_units(3000), basis=_cents(1500))],
        180: lambda: [of(_K.CHARGE, amount=_cents(24))],
        REPEATED_DAY: lambda: [of(_K.INCOME, "airdrop", symbol=_ARB, quantity=_units(350))] * 2,
        260: lambda: [
            of(_K.EXCHANGE, symbol=_MATIC, quantity=Quantity(held[_MATIC]), to_symbol=_POL, ratio=Decimal(1))
        ],
        300: lambda: [telling.swap(_BTC, _units("0.02"), _ETH)],
        330: lambda: [of(_K.TRANSFER_IN, symbol=_DEMO, quantity=_units(100))],  # nobody says what it had cost
        345: lambda: [of(_K.LOSS, symbol=_POL, quantity=_units(400))],
        402: lambda: [of(_K.TRANSFER_OUT, symbol=_ETH, quantity=_units("0.4"))],
        545: lambda: [of(_K.CHARGE, amount=_cents(24))],
    }
    return told[day]() if day in told else ()


@exact
def late_purchase(executed_at: datetime, price: Price) -> BookTrade:
    """Return a purchase that is told months after it was executed."""
    quantity = _units(_LATE_DOLLARS / price.value)
    net = _cents(quantity.value * price.value)
    execution = Execution(
        symbol=_SOL,
        side=Side.BUY,
        quantity=quantity,
        price=price,
        net_amount=net,
        fees=_cents(net.value / 1000),
        executed_at=executed_at,
    )
    return BookTrade(
        execution=execution,
        owner="momentum",
        engine="momentum",
        client_trade_id="momentum-late-0001",
        notes="told late: the engine had lost it",
        stated_at=executed_at,
    )


@exact
def made_up_file(first: date, closes: Mapping[date, Price]) -> str:
    """Return the ledgers of an account at Kraken in the first half year: money in, two purchases of XLM, staking."""
    dollars = iter((Decimal("1500.0000"), Decimal("800.0000"), Decimal("650.0000")))
    written = io.StringIO(newline="")
    rows = csv.writer(written)
    rows.writerow(_HEADER.split(","))
    rows.writerow(_row("D1", first + timedelta(days=140), "deposit", "ZUSD", next(dollars), Decimal(0)))
    for number, days in enumerate((142, 171), start=1):
        on, spent = first + timedelta(days=days), next(dollars)
        bought = (spent / closes[on].value).quantize(_SIX, ROUND_HALF_EVEN)
        fee = (spent * Decimal("0.0026")).quantize(_CENT, ROUND_HALF_EVEN)
        rows.writerow(_row(f"T{number}", on, "trade", "ZUSD", -spent, fee))
        rows.writerow(_row(f"T{number}", on, "trade", "XXLM", bought, Decimal(0)))
    for number, days in enumerate((190, 197), start=1):
        rows.writerow(_row(f"S{number}", first + timedelta(days=days), "staking", "XXLM", Decimal("4.5"), Decimal(0)))
    return written.getvalue()


class MadeUpFiles(msgspec.Struct, frozen=True):
    """The port ``ImportFiles`` on one file that is made up here."""

    text: str

    def read(self, path: str) -> ImportFile:
        """Return the file, whatever its path."""
        lines = [Line(number, cells) for number, cells in enumerate(csv.reader(self.text.splitlines()), start=1)]
        return ImportFile(path, Table(lines))


class _Telling(msgspec.Struct, frozen=True):
    """Makes events of now; what came or left has its value at the price of now, a key of its day, kind and asset."""

    now: datetime
    prices: Prices

    def of(
        self,
        kind: CashTransactionKind,
        label: str | None = None,
        *,
        symbol: Symbol | None = None,
        quantity: Quantity | None = None,
        **stated: Any,
    ) -> BookEvent:
        has_value = kind in {_K.TRANSFER_IN, _K.TRANSFER_OUT, _K.INCOME}
        value = self._value(symbol, quantity) if has_value and symbol and quantity else None
        what = Happening(
            kind=kind,
            effective_at=self.now,
            label=label,
            symbol=symbol,
            quantity=quantity,
            value=value,
            **stated,
        )
        return BookEvent(what=what, owner="wallet", stated_at=self.now)

    def swap(self, symbol: Symbol, quantity: Quantity, to_symbol: Symbol) -> BookEvent:
        """Return a swap at the prices of now."""
        value = self._value(symbol, quantity)
        received = _units(value.value / self.prices[to_symbol].value)
        what = Happening(
            kind=_K.SWAP,
            effective_at=self.now,
            symbol=symbol,
            quantity=quantity,
            to_symbol=to_symbol,
            to_quantity=received,
            value=value,
        )
        return BookEvent(what=what, owner="wallet", stated_at=self.now)

    def _value(self, symbol: Symbol, quantity: Quantity) -> Money:
        return _cents(quantity.value * self.prices[symbol].value)


def _row(  # shape: the columns of the file
    refid: str, day: date, kind: str, asset: str, amount: Decimal, fee: Decimal
) -> list[str]:
    txid = f"L-{refid}-{asset}"
    return [txid, f"DEMO-{refid}", f"{day} 10:15:00", kind, "", "currency", asset, f"{amount:f}", f"{fee:f}", "0"]


def _units(value: Decimal | int | str) -> Quantity:
    return Quantity(Decimal(value).quantize(_SIX, ROUND_HALF_EVEN))


def _cents(value: Decimal | int) -> Money:
    return Money(Decimal(value).quantize(_CENT, ROUND_HALF_EVEN))
