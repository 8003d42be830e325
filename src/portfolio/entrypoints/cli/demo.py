"""The command ``portfolio demo``: two years of made-up books, served."""

from __future__ import annotations

import asyncio
import signal
import socket
import tempfile
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

import click

from portfolio.domain.decimal_text import counted
from portfolio.entrypoints.cli.composition import Composition
from portfolio.settings import PriceFeedKind, Settings, SettingsError

T = TypeVar("T")

SIGNAL_TTL_SECONDS: Final = 86_400.0


@click.command()
@click.option("--port", type=click.IntRange(1, 65_535), help="By default 8026, or a free one where that is taken.")
@click.option("--seed", type=int, default=8026, show_default=True, help="The same seed makes the same trades.")
@click.option("--make", "file", type=click.Path(path_type=Path), help="Only make the books, in this new file.")
@click.pass_obj
def demo(composition: Composition, *, port: int | None, seed: int, file: Path | None) -> None:
    """Serve two years of made-up trades at made-up prices, on this machine alone.

    Nothing else is needed, and nothing of yours is touched: the books are in a folder of their own that goes with the
    command, and no setting is read, neither of the environment nor of .env.
    """
    if file is not None:
        if file.exists():
            raise SettingsError(f"--make: {file} is there already, and books are never replaced")
        _make(composition, demo_settings(file, port=0), seed)
        return
    with tempfile.TemporaryDirectory(prefix="portfolio-demo-") as folder, _sigterm_as_ctrl_c():
        settings = demo_settings(Path(folder, "demo.db"), port=_free_port(port))
        _make(composition, settings, seed)
        click.echo(f"open http://{settings.host}:{settings.port}/ in a browser; Ctrl-C ends it, and removes {folder}")
        composition.serve(settings)


def _make(composition: Composition, settings: Settings, seed: int) -> None:
    click.echo(f"making two years of a made-up portfolio (seed {seed}): this takes some seconds")
    composition.migrate(settings, "head")
    try:
        made = asyncio.run(_until_sigterm(composition.make_demo(settings, seed)))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    counts = (
        counted(made.trades, "trade"),
        counted(made.refused, "refused booking"),
        f"{made.cash_transactions} deposits and withdrawals",
        counted(made.events, "event"),
        f"{made.imported} of a file",
        counted(made.signals, "open signal"),
    )
    click.echo(f"{made.first} to {made.last}: {', '.join(counts)}; all prices are simulated")


async def _until_sigterm(making: Awaitable[T]) -> T:
    """Cancel what is being made at SIGTERM, as asyncio does at Ctrl-C: an error out of nowhere may be lost."""
    loop, task, before = asyncio.get_running_loop(), asyncio.current_task(), signal.getsignal(signal.SIGTERM)
    assert task is not None
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await making
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        signal.signal(signal.SIGTERM, before)


def demo_settings(file: Path, *, port: int) -> Settings:
    """Return the settings of the demonstration; those of the environment are for books that are meant."""
    return Settings(
        database_url=f"sqlite+aiosqlite:///{file.absolute()}",
        price_feed=PriceFeedKind.SIMULATED,
        port=port,
        signal_ttl_seconds=SIGNAL_TTL_SECONDS,
        log_file=str(file.with_suffix(".log")),
        log_level="WARNING",
    )


def _free_port(asked: int | None) -> int:
    """Return the port asked for, else the service's usual one, or one that the system finds where that is taken."""
    choices = (Settings().port, 0) if asked is None else (asked,)
    for port in choices:
        with suppress(OSError), socket.create_server((Settings().host, port)) as listener:
            return int(listener.getsockname()[1])
    raise SettingsError(f"cannot listen on port {choices[-1]}: another program does, or it may not be used (--port)")


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """End at SIGTERM as at Ctrl-C, so that the folder is removed."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
