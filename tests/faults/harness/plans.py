"""Which operation comes next: decided by the seed, the operation's number, and what the model holds by then."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from tests.faults.happenings import Happen, HappenAtOnce, TakeOut
from tests.faults.harness.bookings import Again, Batch, Book, Crowd, Lookup, Malformed, Unkeyed
from tests.faults.harness.model import Model
from tests.faults.harness.operations import READS, ForeignTrade, ForeignWrite, Move, Read, Refresh, Reverse
from tests.faults.harness.scene import Operation
from tests.unit.domain.ledger.event_model import Event
from tests.unit.domain.ledger.ledger_model import ONE, Wish

MALFORMED = (
    b"", b"{", b"[]", b'{"symbol":"BTC"}', b"[" * 3000, b'{"symbol":"BTC","symbol":"ETH"}', b'{"nonsense":1}',
    b'{"symbol":"BTC","side":"HOLD","quantity":1,"price":1,"net_amount":1}',
    b'{"symbol":"BTC","side":"BUY","quantity":"NaN","price":1,"net_amount":1}',
    b'{"symbol":"BTC","side":"BUY","quantity":1E+999999,"price":1,"net_amount":1}',
    b'{"symbol":"BTC","side":"BUY","quantity":-1,"price":1,"net_amount":1}',
    b'{"symbol":"USD","side":"BUY","quantity":1,"price":1,"net_amount":1}',
    b'{"symbol":"BTC\\u0000","side":"BUY","quantity":1,"price":1,"net_amount":1}', b"x" * 70_000,
)  # fmt: skip


class Planner:
    """Makes operations out of dice; keys are numbered, so that no two operations share one by chance."""

    def __init__(self, model: Model, prefix: str) -> None:
        self._model = model
        self._prefix = prefix
        self._number = 0

    def plan(self, dice: random.Random, number: int, *, faulty: bool) -> Operation:
        """Return the operation of that number; ``faulty`` leaves out what cannot be told apart after a fault."""
        self._number = number
        kinds = FAULTY if faulty else KINDS
        [make] = dice.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])
        return make(self, dice)

    # --- wishes -----------------------------------------------------------------------------------------------------

    def key(self, part: int = 0) -> str:
        """Return a new key."""
        return f"{self._prefix}-{self._number}-{part}"

    def wish(self, dice: random.Random, symbol: str, *, buys: bool, quantity: int) -> Wish:
        """Return an execution near the market's price, its money a little off quantity x price."""
        price = self._model.prices[symbol] * dice.randrange(970_000, 1_030_001) // 1_000_000
        notional = quantity * price // ONE
        asset = max(1, notional * dice.randrange(9_600, 10_401) // 10_000)
        fees = notional * dice.choice([0, 1, 3, 17]) // 1_000
        included = dice.random() < 0.3
        net = max(1, asset + (fees if buys else -fees)) if included else asset
        return Wish(symbol, buys, quantity, price, net, fees, included)

    def purchase(self, dice: random.Random, least: int = 1, most: int = 200) -> Wish:
        """Return a purchase for a part of the cash, counted in ten thousandths."""
        symbol = dice.choice(sorted(self._model.prices))
        worth = max(self._model.rules.cash, 10 * ONE) * dice.randrange(least, most + 1) // 10_000
        quantity = max(1, worth * ONE // self._model.prices[symbol])
        return self.wish(dice, symbol, buys=True, quantity=_rounded(dice, quantity))

    def sale(self, dice: random.Random) -> Wish:
        """Return a sale of a part of something held, or of all of it; a purchase where nothing is held."""
        if not self._model.held:
            return self.purchase(dice)
        symbol = dice.choice(self._model.held)
        held = self._model.holding(symbol).quantity
        part = dice.choice([held, held, *(held * dice.randrange(1, 100) // 100 for _ in range(4))])
        return self.wish(dice, symbol, buys=False, quantity=max(1, part))

    # --- operations -------------------------------------------------------------------------------------------------

    def buy(self, dice: random.Random) -> Operation:
        return Book(self.key(), self.purchase(dice))

    def sell(self, dice: random.Random) -> Operation:
        return Book(self.key(), self.sale(dice))

    def oversell(self, dice: random.Random) -> Operation:
        symbol = dice.choice(sorted(self._model.prices))
        quantity = max(0, self._model.holding(symbol).quantity) + dice.choice([1, ONE])
        return Book(self.key(), self.wish(dice, symbol, buys=False, quantity=quantity))

    def overdraw(self, dice: random.Random) -> Operation:
        return Book(self.key(), self.purchase(dice, 11_000, 20_000))

    def mismatch(self, dice: random.Random) -> Operation:
        wish = self.purchase(dice)
        wish.net *= dice.choice([2, 10, 100])
        return Book(self.key(), wish)

    def copies(self, dice: random.Random) -> Operation:
        return Book(self.key(), self.purchase(dice, 1, 50), copies=dice.choice([2, 3, 10, 50]))

    def vanish(self, dice: random.Random) -> Operation:
        return Book(self.key(), self.purchase(dice, 1, 50), vanish=dice.choice(["half", "whole"]))

    def crowd(self, dice: random.Random) -> Operation:
        # Purchases for a hundredth of the cash at most: in whatever order, there is enough for all.
        return Crowd([Book(self.key(part), self.purchase(dice, 1, 50)) for part in range(dice.randrange(4, 25))])

    def batch(self, dice: random.Random) -> Operation:
        items = []
        for part in range(dice.randrange(2, 31)):
            wish = self.sale(dice) if dice.random() < 0.4 else self.purchase(dice, 1, 50)
            items.append((self.key(part), wish))
            if dice.random() < 0.05:
                items.append(items[0])
        return Batch(items)

    def unkeyed(self, dice: random.Random) -> Operation:
        return Unkeyed(self.sale(dice) if dice.random() < 0.3 else self.purchase(dice))

    def replay(self, dice: random.Random) -> Operation:
        return self._again(dice, changed=False)

    def other_body(self, dice: random.Random) -> Operation:
        return self._again(dice, changed=True)

    def _again(self, dice: random.Random, *, changed: bool) -> Operation:
        if not self._model.promises:
            return self.buy(dice)
        # The newest ones mostly: those are sent again in life too.
        keys = list(self._model.promises)
        return Again(dice.choice(keys if dice.random() < 0.3 else keys[-20:]), changed)

    def lookup(self, dice: random.Random) -> Operation:
        keys = list(self._model.promises)
        return Lookup(dice.choice(keys) if keys and dice.random() < 0.8 else "never-used")

    def malformed(self, dice: random.Random) -> Operation:
        return Malformed(dice.choice(MALFORMED))

    def reverse(self, dice: random.Random) -> Operation:
        trades = len(self._model.rules.trades)
        return Reverse(dice.randrange(max(0, trades - 30), trades)) if trades else self.buy(dice)

    def move(self, dice: random.Random) -> Operation:
        part = self._model.rules.cash * dice.randrange(1, 300) // 10_000
        amount = dice.choice([part, -part, max(part, 10_000 * ONE), -self._model.rules.cash - 1])
        return Move(self.key(), amount or ONE)

    def happen(self, dice: random.Random) -> Operation:
        """Return an event, or several at once."""
        if dice.random() < 0.75:
            return Happen(self.key(), self.event(dice))
        items = [(self.key(part), self.event(dice)) for part in range(dice.randrange(2, 12))]
        return HappenAtOnce(items + items[:1] if dice.random() < 0.2 else items)

    def take_out(self, dice: random.Random) -> Operation:
        """Return the taking out of an event, mostly a new one."""
        events = len(self._model.events)
        return TakeOut(dice.randrange(max(0, events - 20), events)) if events else self.happen(dice)

    def event(self, dice: random.Random) -> Event:
        """Return an event: what becomes something else, what comes or goes, or money."""
        return self.turn(dice) if self._model.held and dice.random() < 0.5 else self.come_or_go(dice)

    def turn(self, dice: random.Random) -> Event:
        """Return a swap, an exchange or a split of a part or more of what is held, at about the market's prices."""
        symbol, kind = dice.choice(self._model.held), dice.choice(["swap", "exchange", "exchange by ratio", "split"])
        if kind == "split":  # a little: the market does not know of it
            return Event(kind, symbol, ratio=ONE * dice.choice([995, 1_003, 1_005]) // 1_000)
        to_symbol = dice.choice([one for one in sorted(self._model.prices) if one != symbol])
        quantity = max(self._model.holding(symbol).quantity * dice.choice([1, 33, 50, 100, 101]) // 100, ONE // 1_000)
        prices = self._model.prices
        value, off = quantity * prices[symbol] // ONE, dice.randrange(98, 103)
        if kind == "exchange by ratio":
            return Event(
                "exchange", symbol, quantity, to_symbol=to_symbol, ratio=prices[symbol] * ONE // prices[to_symbol]
            )
        to_quantity = max(value * ONE // prices[to_symbol] * off // 100, 1)
        stated = value if kind == "swap" else None
        return Event(kind, symbol, quantity, value=stated, to_symbol=to_symbol, to_quantity=to_quantity)

    def come_or_go(self, dice: random.Random) -> Event:
        """Return an event of something that comes, of a part or more of what is held, or of money."""
        comes, held = dice.random() < 0.4, self._model.held
        if dice.random() < 0.2 or not (comes or held):
            kind, part = dice.choice(["interest", "charge"]), dice.randrange(1, 50)
            return Event(kind, amount=max(self._model.rules.cash * part // 10_000, ONE))
        symbol = dice.choice(sorted(self._model.prices) if comes else held)
        quantity = self._model.rules.cash * dice.randrange(1, 50) // 10_000 * ONE // self._model.prices[symbol]
        if not comes:
            quantity = self._model.holding(symbol).quantity * dice.choice([1, 33, 50, 100, 101]) // 100
        quantity = max(quantity, ONE // 1_000)
        # At the price of the market, which is what it is worth.
        value = round(Fraction(quantity * self._model.prices[symbol], ONE))
        kind = dice.choice(["transfer_in", "income"] if comes else ["transfer_out", "loss"])
        basis = value * dice.randrange(1, 300) // 100 if kind == "transfer_in" else None
        return Event(kind, symbol, quantity, value=None if kind == "loss" else value, basis=basis)

    def read(self, dice: random.Random) -> Operation:
        return Read(dice.choice(READS), times=dice.choice([1, 1, 8]))

    def refresh(self, dice: random.Random) -> Operation:
        return Refresh()

    def foreign_write(self, dice: random.Random) -> Operation:
        cash = dice.randrange(-2_000, 2_000) * ONE // 7
        if self._model.held and dice.random() < 0.6:
            return ForeignWrite(
                dice.choice(self._model.held), cash, Decimal(dice.choice(["0.5", "0.9", "1.1", "1.25"]))
            )
        return ForeignWrite(None, cash)

    def foreign_trade(self, dice: random.Random) -> Operation:
        return ForeignTrade(dice.choice(sorted(self._model.prices)))


def _rounded(dice: random.Random, quantity: int) -> int:
    """Return a quantity as engines state it: to eight decimals mostly, or to the last digit."""
    step = dice.choice([10**10, 10**10, 1])
    return max(1, quantity // step * step)


Make = Callable[[Planner, random.Random], Operation]

FAULTY: tuple[tuple[Make, int], ...] = (
    (Planner.buy, 20), (Planner.sell, 14), (Planner.oversell, 3), (Planner.overdraw, 3), (Planner.mismatch, 2),
    (Planner.copies, 6), (Planner.vanish, 5), (Planner.crowd, 6), (Planner.batch, 8), (Planner.replay, 5),
    (Planner.other_body, 3), (Planner.lookup, 3), (Planner.malformed, 2), (Planner.reverse, 5), (Planner.move, 5),
    (Planner.happen, 12), (Planner.take_out, 5),
    (Planner.read, 6), (Planner.refresh, 4),
)  # fmt: skip
KINDS: tuple[tuple[Make, int], ...] = (
    *FAULTY, (Planner.unkeyed, 6), (Planner.foreign_write, 1), (Planner.foreign_trade, 1),
)  # fmt: skip
