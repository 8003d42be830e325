"""The application of one portfolio's service: commands that answer from its use cases do without."""

from __future__ import annotations

from collections.abc import Sequence

from portfolio.application.announcer import Listener
from portfolio.entrypoints.assembly.adapters import Adapters
from portfolio.entrypoints.assembly.service import Assembly
from portfolio.entrypoints.http.app import PortfolioApp, create_app, served
from portfolio.settings import Settings


def assemble(
    adapters: Adapters, settings: Settings, *, portfolio_id: int, listeners: Sequence[Listener] = ()
) -> PortfolioApp:
    """Return the application: its use cases on the ports, its price loop, its start and its stop."""
    parts = Assembly(adapters, settings, portfolio_id=portfolio_id, listeners=listeners)
    loop = parts.price_loop()
    use_cases = parts.use_cases(loop)
    lifecycle = parts.lifecycle(use_cases, loop)
    return create_app(served(use_cases, settings), on_startup=[lifecycle.start], on_shutdown=[lifecycle.stop])
