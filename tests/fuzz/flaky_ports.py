"""Ports whose database fails and lingers, and threads whose turn comes, at random: by dice, to be repeatable."""

from __future__ import annotations

import asyncio
import inspect
import random
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from portfolio.application.errors import LedgerUnavailable


@dataclass
class Weather:
    """What the database of a process is like: ``share`` of the calls fail; at 0 none does, and none takes a turn."""

    dice: random.Random
    share: float = 0.0

    async def meet(self) -> None:
        """Wait for some turns of the loop, and fail perhaps."""
        if self.share:
            await turns(self.dice.randrange(3))
            if self.dice.random() < self.share:
                raise LedgerUnavailable("the database is away, by the dice")

    async def leave(self) -> None:
        """Wait for a turn of the loop perhaps, with the answer at hand."""
        if self.share:
            await turns(self.dice.randrange(2))


class FlakyPort:
    """A port whose calls meet the weather before they do anything."""

    def __init__(self, port: object, weather: Weather) -> None:
        self._port = port
        self._weather = weather

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        return self._flaky(found) if inspect.iscoroutinefunction(found) else found

    def _flaky(self, call: Callable[..., Any]) -> Callable[..., Any]:
        async def flaky(*args: Any, **named: Any) -> Any:
            await self._weather.meet()
            answer = await call(*args, **named)
            await self._weather.leave()
            return answer

        return flaky


def threads_by_dice(weather: Weather) -> None:
    """Have this loop compute in its own thread what is for others, after some turns: how soon theirs end is chance."""
    loop = asyncio.get_running_loop()

    async def computed(compute: Callable[..., Any], *given: Any) -> Any:
        await weather.leave()
        found = compute(*given)
        await weather.leave()
        return found

    def run(_executor: Executor | None, compute: Callable[..., Any], *given: Any) -> asyncio.Future[Any]:
        return asyncio.shield(loop.create_task(computed(compute, *given)))  # begun, a thread is not cancelled

    loop.run_in_executor = run  # type: ignore[method-assign,assignment]  # a loop whose threads are told when to go on


async def turns(count: int) -> None:
    """Let the loop run so many times."""
    for _ in range(count):
        await asyncio.sleep(0)
