"""What a USDT is worth in dollars."""

from __future__ import annotations

from decimal import Decimal

from portfolio.application.clock import Clock
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol

USDT = Symbol("USDT")

_FRESH_SECONDS = 300.0
_KNOWN_SECONDS = 3600.0
# Beyond this a stablecoin's price is a mistake of the source, not of the coin.
_LEAST, _MOST = Decimal("0.2"), Decimal(5)
_PARITY = Price(Decimal(1))


class TetherRate:
    """The last dollar price of USDT that a source gave, kept for an hour."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._price = _PARITY
        self._learnt_at: float | None = None

    def learn(self, price: Price) -> None:
        """Keep ``price``, unless no stablecoin is worth that."""
        if _LEAST <= price.value <= _MOST:
            self._price = price
            self._learnt_at = self._clock.monotonic()

    @property
    def is_fresh(self) -> bool:
        """Return whether there is no need to ask again yet."""
        return self._age_seconds() <= _FRESH_SECONDS

    def in_dollars(self) -> tuple[Price, bool]:
        """Return the dollars for one USDT, and whether they are assumed: parity, without a price of the last hour."""
        if self._age_seconds() <= _KNOWN_SECONDS:
            return self._price, False
        return _PARITY, True

    def _age_seconds(self) -> float:
        return float("inf") if self._learnt_at is None else self._clock.monotonic() - self._learnt_at
