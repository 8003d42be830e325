"""The booking rules once more, on plain integers: what the domain is checked against.

Written from the contract, not from the code. Every amount is an integer count of 1e-18; the only division is
``round(Fraction)``, which is half even by the definition of Python's ``round``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

ONE = 10**18
TOO_LARGE = 10**38


def exact(units: int) -> Decimal:
    """Return an integer count of 1e-18 as the Decimal it stands for, whatever its length."""
    return Decimal(f"{units}e-18")


def share(total: int, part: int, whole: int) -> int:
    """Return ``total x part / whole``, half even; all of it where part is whole."""
    return total if part == whole else round(Fraction(total * part, whole))


def as_all_of_it(quantity: int, held: int) -> int:
    """Return what is held where the quantity is that, but for 1e-12 of it."""
    return held if abs(quantity - held) * 10**12 <= held else quantity


class Refused(Exception):
    """The model's no; its text is the name of the domain's error."""


@dataclass
class Holding:
    """One position of the model."""

    quantity: int = 0
    booked: int = 0
    asset: int = 0
    basis: int = 0
    realized: int = 0
    average: int | None = None
    price: int | None = None
    has_feed: bool = False
    """Whether the price is a feed's: fresh all along, it counts before that of a trade."""

    @property
    def worth(self) -> int:
        return (
            self.basis if self.price is None or not self.quantity else round(Fraction(self.quantity * self.price, ONE))
        )


@dataclass
class Booked:
    """One trade of the model: by how much it moved each sum."""

    symbol: str
    signed: int
    cash: int
    asset: int
    basis: int
    fees: int


@dataclass
class Wish:
    """One execution, in counts of 1e-18."""

    symbol: str
    buys: bool
    quantity: int
    price: int
    net: int
    fees: int
    included: bool

    @property
    def asset(self) -> int:
        if not self.included:
            return self.net
        return self.net - self.fees if self.buys else self.net + self.fees

    @property
    def cash(self) -> int:
        return -(self.asset + self.fees) if self.buys else self.asset - self.fees

    @property
    def malformed(self) -> bool:
        return min(self.quantity, self.price, self.net) <= 0 or self.fees < 0

    @property
    def too_much_fees(self) -> bool:
        over = self.fees * 10 * ONE > self.quantity * self.price
        return over or self.asset <= 0 or (not self.buys and self.cash < 0)

    @property
    def mismatched(self) -> bool:
        notional = self.quantity * self.price
        return abs(self.asset * ONE - notional) * 20 > notional  # 5 % is a twentieth


@dataclass
class Books:
    """The whole ledger of the model. ``unreconciled`` is kept as a sum of its own: what foreign writes put in."""

    cash: int = 0
    booked_cash: int = 0
    deposits: int = 0
    realized: int = 0
    fees: int = 0
    unreconciled: int = 0
    holdings: dict[str, Holding] = field(default_factory=dict)
    trades: list[Booked] = field(default_factory=list)
    reversed: set[int] = field(default_factory=set)

    def copy(self) -> Books:
        holdings = {symbol: replace(holding) for symbol, holding in self.holdings.items()}
        return replace(self, holdings=holdings, trades=list(self.trades), reversed=set(self.reversed))

    @property
    def standing(self) -> list[int]:
        """Return the indices of the trades that nothing reversed."""
        return [i for i in range(len(self.trades)) if i not in self.reversed]

    def holding(self, symbol: str) -> Holding:
        return self.holdings.setdefault(symbol, Holding())

    def refuse(self, wish: Wish, *, override: bool) -> None:
        """Say no where the contract does."""
        held = self.holdings.get(wish.symbol, Holding()).quantity
        if wish.malformed:
            raise Refused("InvalidAmount")
        if override:
            return
        if wish.too_much_fees:
            raise Refused("FeesTooHigh")
        if wish.mismatched:
            raise Refused("AmountMismatch")
        if not wish.buys and as_all_of_it(wish.quantity, held) > held:
            raise Refused("InsufficientQuantity")
        if wish.buys and self.cash + wish.cash < 0:
            raise Refused("InsufficientCash")

    def book(self, wish: Wish) -> int:
        """Book, no questions asked, and return the realized result."""
        holding = self.holding(wish.symbol)
        closes = (wish.quantity if wish.buys else -wish.quantity) * holding.quantity < 0
        quantity = as_all_of_it(wish.quantity, abs(holding.quantity)) if closes else wish.quantity
        signed = quantity if wish.buys else -quantity
        asset = wish.asset if wish.buys else -wish.asset
        closing = min(quantity, abs(holding.quantity)) if closes else 0
        if closing:
            cash_of_close = share(wish.cash, closing, quantity)
            asset_of_close = share(asset, closing, quantity)
            basis_out = share(holding.basis, closing, abs(holding.quantity))
            asset_out = share(holding.asset, closing, abs(holding.quantity))
        else:
            cash_of_close = asset_of_close = basis_out = asset_out = 0
        booked = Booked(
            symbol=wish.symbol,
            signed=signed,
            cash=wish.cash,
            asset=asset - asset_of_close - asset_out,
            basis=-(wish.cash - cash_of_close) - basis_out,
            fees=wish.fees,
        )
        keeps = closing and closing < abs(holding.quantity) and holding.average is not None
        opens = not holding.quantity or (closing > 0 and quantity > closing)
        self._enter(booked, realized=cash_of_close - basis_out, keeps_average=bool(keeps))
        if opens or not holding.has_feed:
            holding.price, holding.has_feed = wish.price, False
        self.trades.append(booked)
        return cash_of_close - basis_out

    def reverse(self, index: int) -> None:
        """Take a trade out again."""
        trade = self.trades[index]
        holding = self.holding(trade.symbol)
        signed = trade.signed
        if signed > holding.quantity > 0:
            signed = as_all_of_it(signed, holding.quantity)
        left = holding.quantity - signed
        if signed > 0 and signed > holding.quantity:
            raise Refused("InsufficientQuantity")
        if self.cash - trade.cash < 0 and trade.cash > 0:
            raise Refused("InsufficientCash")
        asset, basis = -trade.asset, -trade.basis
        if left == 0 or left * (holding.asset + asset) < 0:
            asset = -holding.asset
        if left == 0 or left * (holding.basis + basis) < 0:
            basis = -holding.basis
        opposite = Booked(trade.symbol, -signed, -trade.cash, asset, basis, -trade.fees)
        self._enter(opposite, realized=basis - trade.cash, keeps_average=False)
        self.reversed.add(index)

    def _enter(self, booked: Booked, *, realized: int, keeps_average: bool) -> None:
        holding = self.holding(booked.symbol)
        holding.quantity += booked.signed
        holding.booked += booked.signed
        holding.asset += booked.asset
        holding.basis += booked.basis
        holding.realized += realized
        self.cash += booked.cash
        self.booked_cash += booked.cash
        self.realized += realized
        self.fees += booked.fees
        if not holding.quantity or (not keeps_average and (holding.asset < 0) != (holding.quantity < 0)):
            holding.average = None
        elif not keeps_average:
            holding.average = round(Fraction(holding.asset * ONE, holding.quantity))

    @property
    def basis(self) -> int:
        return sum(h.basis for h in self.holdings.values())

    @property
    def worth(self) -> int:
        return self.cash + sum(h.worth for h in self.holdings.values())

    @property
    def largest(self) -> int:
        """Return the largest figure anywhere, in absolute value: 1e38 or more cannot be booked."""
        per_holding = [
            abs(figure)
            for h in self.holdings.values()
            for figure in (h.quantity, h.booked, h.asset, h.basis, h.realized, h.average or 0, h.worth)
        ]
        return max(abs(self.cash), abs(self.realized), abs(self.fees), abs(self.worth), *per_holding, 0)
