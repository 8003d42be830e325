"""Ports of the rules of exchanges, in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from portfolio.application.errors import FeedFailed, LedgerUnavailable
from portfolio.application.prices.records import Fence, KeptRules
from portfolio.domain.prices.exchange_rules import Rules, UnknownRules
from portfolio.domain.symbol import Symbol
from tests.support.fakes.fake_stores import FakeLeases


class FakeExchangeRules:
    """The port ``ExchangeRulesStore``."""

    def __init__(self, leases: FakeLeases | None = None) -> None:
        self.kept: dict[str, KeptRules] = {}
        self.is_away = False
        self.reads = 0
        self._leases = leases or FakeLeases()

    async def keep(self, kept: KeptRules, fence: Fence | None) -> None:
        self._answer()
        if fence is not None:
            self._leases.check(fence)
        before = self.kept[kept.venue].rules if kept.venue in self.kept else {}
        gone: Mapping[Symbol, Rules] = dict.fromkeys(before, UnknownRules(f"{kept.venue} does not list it any more"))
        self.kept[kept.venue] = replace(kept, rules={**gone, **kept.rules})

    async def read(self) -> Sequence[KeptRules]:
        self._answer()
        self.reads += 1
        await asyncio.sleep(0)  # as a database would: others run meanwhile
        return [self.kept[venue] for venue in sorted(self.kept)]

    def _answer(self) -> None:
        if self.is_away:
            raise LedgerUnavailable("the database is away")


class ScriptedRules:
    """The port ``ExchangeRulesFeed``: the rules that it was told, or a failure."""

    def __init__(self, venue: str, rules: Mapping[Symbol, Rules]) -> None:
        self.venue = venue
        self.found = rules
        self.failure: str | None = None
        self.asked = 0

    async def rules(self) -> Mapping[Symbol, Rules]:
        self.asked += 1
        if self.failure is not None:
            raise FeedFailed(self.venue, self.failure)
        return self.found
