"""Purchases that grow together until the money is spent, each as long as its limits have room."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from decimal import Decimal
from heapq import heappop, heappush
from itertools import count

from portfolio.domain.arithmetic import ZERO, exact, total
from portfolio.domain.rebalancing.strategies.targets import Targets


@exact
def filled(targets: Targets, rates: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    """Return what each asset of ``rates`` is worth once the money over the cash target has flowed into them, into each
    in proportion to its rate. One that meets a limit drops out and the others go on, until money or room ends.
    """
    return _Filling(targets, rates).run()


class _Bound:
    """How much some assets may gain together: what the limits of one, of a category or of a pair allow, or the money.

    ``room`` is for those that still grow, counted from the start of the filling, so that the bound is reached at the
    level ``room / speed``.
    """

    __slots__ = ("growing", "room", "speed", "symbols")

    def __init__(self, symbols: Collection[str], room: Decimal, rates: Collection[Decimal]) -> None:
        self.symbols = symbols
        self.room = room
        self.speed = total(rates)
        self.growing = len(rates)

    @property
    def reached(self) -> Decimal:
        """Return the level at which there is no room left."""
        return self.room / self.speed

    def stop(self, rate: Decimal, gained: Decimal) -> None:
        """Have one asset grow no more, which grew at ``rate`` and gained so much."""
        self.room -= gained
        self.speed -= rate
        self.growing -= 1


class _Filling:
    """A filling as a queue of events by level. An asset that grows has gained its rate times the level.

    Events are bounds that are reached, and assets that come to half of what a pair may be: before one of the two does,
    no pair is full, so only then its pairs become bounds. When an asset stops, the bounds it is under are reached
    later than they were queued for, which is seen when their turn comes. So an asset costs some events of its own, and
    not one step for each event of the others.
    """

    def __init__(self, targets: Targets, rates: Mapping[str, Decimal]) -> None:
        limits, policy = targets.limits, targets.limits.policy
        room = policy.sell_down_share * targets.whole
        self._limits = limits
        self._start = targets.values
        self._rates = rates
        self._growing = dict(rates)
        self._gained: dict[str, Decimal] = {}
        self._level = ZERO
        self._pair_cap = policy.pair_limit * room
        self._paired: set[str] = set()
        self._bounds: dict[str, list[_Bound]] = defaultdict(list)
        self._queue: list[tuple[Decimal, int, _Bound | str]] = []
        self._numbers = count()
        self._add(rates, targets.cash - policy.cash_target * targets.whole)
        caps = {symbol: min(limits.positions[symbol].values()) * room for symbol in rates}
        for symbol, cap in caps.items():
            self._add((symbol,), cap - self._start[symbol])
        for members in limits.categories.values():
            if not rates.keys().isdisjoint(members):
                value = total(self._start[symbol] for symbol in members)
                self._add(members, policy.category_limit * room - value)
        self._watch_for_pairs(caps)

    def run(self) -> Mapping[str, Decimal]:
        """Return the values after filling."""
        while self._growing:
            reached, _, event = heappop(self._queue)
            if isinstance(event, str):
                self._add_pairs(event)
            elif event.growing:
                self._reach(event, reached)
        return {symbol: self._start[symbol] + self._gained[symbol] for symbol in self._rates}

    def _reach(self, bound: _Bound, queued_for: Decimal) -> None:
        reached = bound.reached
        if reached > queued_for:
            self._queue_up(reached, bound)
            return
        # What has no room from the start stops where it is.
        self._level = max(self._level, reached)
        for symbol in bound.symbols:
            rate = self._growing.pop(symbol, None)
            if rate is not None:
                gained = self._gained[symbol] = rate * self._level
                for other in self._bounds[symbol]:
                    other.stop(rate, gained)

    def _add(self, symbols: Collection[str], room: Decimal) -> None:
        growing = [symbol for symbol in symbols if symbol in self._growing]
        if growing:
            bound = _Bound(symbols, room, [self._growing[symbol] for symbol in growing])
            for symbol in growing:
                self._bounds[symbol].append(bound)
            self._queue_up(bound.reached, bound)

    def _watch_for_pairs(self, caps: Mapping[str, Decimal]) -> None:
        half = self._pair_cap / 2
        for symbol, value in self._start.items():
            if symbol in caps and max(value, caps[symbol]) > half:
                self._queue_up((half - value) / self._rates[symbol], symbol)
            elif value > half:
                self._add_pairs(symbol)

    def _add_pairs(self, symbol: str) -> None:
        if symbol not in self._growing and self._value(symbol) * 2 < self._pair_cap:
            return
        self._paired.add(symbol)
        for other in self._limits.partners_of(symbol):
            if other not in self._paired:
                self._add((symbol, other), self._pair_cap - self._value(symbol) - self._value(other))

    def _value(self, symbol: str) -> Decimal:
        """Return what the asset is worth if it has stopped, and at the start if it still grows."""
        return self._start[symbol] + self._gained.get(symbol, ZERO)

    def _queue_up(self, level: Decimal, event: _Bound | str) -> None:
        heappush(self._queue, (level, next(self._numbers), event))
