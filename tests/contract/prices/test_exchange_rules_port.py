"""What every store of the rules of exchanges promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from portfolio.application.errors import LeaseLost
from portfolio.application.prices.records import KeptRules
from portfolio.domain.prices.exchange_rules import UnknownRules
from tests.contract.ledger.ledger_kinds import Ports, ports
from tests.support.exchange_rules import rules
from tests.support.fakes.fake_prices import BTC, ETH, SOL
from tests.support.ledger_examples import AT

__all__ = ["ports"]

ODD = UnknownRules("coinbase: base_increment 0: has to be above zero — «ñ»")
FINEST = rules(step="0.000000000000000001", min_quantity="12345678901234567890.000000000000000001")
KEPT = KeptRules(venue="coinbase", fetched_at=AT + timedelta(microseconds=1), rules={BTC: FINEST, ETH: ODD})
BINANCE = KeptRules(venue="binance", fetched_at=AT, rules={BTC: rules("binance", min_notional="4.9975")})


async def test_what_is_kept_is_what_is_read_and_a_day_later_what_is_listed_no_more_is_unknown(ports: Ports) -> None:
    assert await ports.exchange_rules.read() == []
    await ports.exchange_rules.keep(KEPT, None)
    await ports.exchange_rules.keep(BINANCE, None)
    assert await ports.exchange_rules.read() == [BINANCE, KEPT]
    later = AT + timedelta(days=1)
    anew = {ETH: rules(step="0.1"), SOL: replace(rules(), tick=Decimal("0.5"))}
    await ports.exchange_rules.keep(KeptRules(venue="coinbase", fetched_at=later, rules=anew), None)
    [binance, coinbase] = await ports.exchange_rules.read()
    assert binance == BINANCE
    assert coinbase.fetched_at == later
    assert coinbase.rules == {**anew, BTC: UnknownRules("coinbase does not list it any more")}
    # It is listed again; and a clock that was set back changes nothing.
    await ports.exchange_rules.keep(KEPT, None)
    [_, coinbase] = await ports.exchange_rules.read()
    assert coinbase.rules == {**KEPT.rules, SOL: UnknownRules("coinbase does not list it any more")}


async def test_who_has_lost_the_lease_writes_nothing(ports: Ports) -> None:
    old = await ports.leases.acquire("prices", "a", 60)
    assert old is not None
    await ports.exchange_rules.keep(KEPT, old)
    await ports.leases.release("prices", "a")
    assert await ports.leases.acquire("prices", "b", 60)
    with pytest.raises(LeaseLost):
        await ports.exchange_rules.keep(replace(KEPT, rules={}), old)
    assert await ports.exchange_rules.read() == [KEPT]
