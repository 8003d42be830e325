"""What happens in the demonstration's two years: what the engines want to hold, and what goes in and out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.symbol import Symbol

DAYS: Final = 730
SEED: Final = 8026

# From this day on the engines want to hold these shares of the total value; the rest is cash. At the end BTC is over
# the limit of a position (25 %), and smart contracts (ETH, BNB, TRX) are over that of a category (40 %).
_PHASES: Final[Sequence[tuple[int, Mapping[str, str]]]] = (
    (0, {"BTC": "0.22", "ETH": "0.18", "SOL": "0.10", "ADA": "0.06", "LINK": "0.05", "XRP": "0.05"}),
    (110, {"BTC": "0.24", "ETH": "0.14", "SOL": "0.13", "AVAX": "0.08", "LINK": "0.07", "DOT": "0.05", "LTC": "0.05"}),
    (240, {"BTC": "0.18", "ETH": "0.20", "SOL": "0.08", "UNI": "0.07", "AAVE": "0.08", "ARB": "0.05", "USDC": "0.15"}),
    (370, {"BTC": "0.24", "ETH": "0.22", "LINK": "0.08", "ATOM": "0.06", "NEAR": "0.07", "DOGE": "0.04", "BNB": "0.1"}),
    (520, {"BTC": "0.26", "ETH": "0.20", "SOL": "0.10", "BNB": "0.09", "AAVE": "0.07", "FIL": "0.05", "XRP": "0.06"}),
    (640, {
        "BTC": "0.31", "ETH": "0.24", "BNB": "0.13", "TRX": "0.08", "SOL": "0.07", "LINK": "0.04", "AVAX": "0.03",
        "DOGE": "0.02",
    }),
)  # fmt: skip

# The end of a sale of LTC stays behind: dust.
DUST: Final = Symbol("LTC")

# What nobody trades: it lies in a wallet. POL is what MATIC became, XLM came by a file, and DEMO is split each 1 June.
ASIDE: Final = frozenset(map(Symbol, ("MATIC", "POL", "XLM", "DEMO")))

# On these days what an engine buys has its fee paid in BNB.
FEE_IN_BNB_DAYS: Final = range(430, 480)

# A purchase of long ago that is told on this day, and the day on which average cost is restated for it; until then days
# were recorded without it.
LATE_DAY: Final = 600
EXECUTED_DAY: Final = 420
IMPORT_DAY: Final = 606
RESTATED_DAY: Final = 612

# On these days the rebalancer carries out two signals of the plan, as it is claimed and booked in earnest.
REBALANCING_DAYS: Final = frozenset(range(60, 720, 70))

# From this day on, when the engines want more of BTC than the policy allows, the plan of each day with a trade is
# stored as signals.
SIGNALS_SINCE: Final = 600

# A trade that was booked twice under two keys, and reversed by the operator: days from the beginning.
REVERSED_DAYS: Final = frozenset({301, DAYS - 38})


class CashMove(msgspec.Struct, frozen=True):
    """Money in or out on one day."""

    kind: CashTransactionKind
    amount: Decimal
    note: str


def targets(day: int) -> Mapping[Symbol, Decimal]:
    """Return what the engines want to hold on a day of the history, as shares of the total value."""
    wanted = next(shares for since, shares in reversed(_PHASES) if since <= day)
    return {Symbol(code): Decimal(share) for code, share in wanted.items()}


def assets() -> Sequence[Symbol]:
    """Return all assets that are ever held, sorted."""
    return sorted({Symbol(code) for _, shares in _PHASES for code in shares} | ASIDE)


def cash_moves(day: int) -> Sequence[CashMove]:
    """Return what goes in or out on a day: savings every month, and what life asks for."""
    moves = [CashMove(CashTransactionKind.DEPOSIT, Decimal(2_500), "savings")] if day and day % 30 == 0 else []
    further = {
        155: CashMove(CashTransactionKind.WITHDRAWAL, Decimal(4_000), "a new roof"),
        205: CashMove(CashTransactionKind.DEPOSIT, Decimal(25_000), "sale of the car"),
        402: CashMove(CashTransactionKind.WITHDRAWAL, Decimal(12_000), "taxes"),
        588: CashMove(CashTransactionKind.WITHDRAWAL, Decimal(6_000), "holidays"),
    }
    return [*moves, further[day]] if day in further else moves
