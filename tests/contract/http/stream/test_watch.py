"""``portfolio watch`` follows a service, and goes on where it was after a cut."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from click import UsageError
from rich.console import Console

from portfolio.entrypoints.cli.watch.command import LineByLine, Message, Watched, follow, key_of, socket_url
from portfolio.entrypoints.cli.watch.table import table_of
from portfolio.settings import Settings, SettingsError
from tests.contract.http.stream.conftest import Served
from tests.support.services.http_service import KEYS, create_database, running_on_sqlite
from tests.support.services.http_sockets import served
from tests.support.services.tcp_proxy import Mode, TcpProxy
from tests.support.services.waiting import until


async def test_after_a_cut_it_goes_on_where_it_was(here: Served) -> None:
    watched, links = Watched(), set()
    with TcpProxy(*here.address) as proxy:
        url = socket_url(f"http://127.0.0.1:{proxy.port}/")
        task = asyncio.create_task(follow(url, {}, watched, lambda _: links.add(watched.link), pause=0.01))
        await until(lambda: watched.health)
        await here.book(client_trade_id="a")
        await until(lambda: "BTC" in watched.positions)
        proxy.set_mode(Mode.REFUSE)
        await until(lambda: "cut off" in links)
        await here.book(client_trade_id="b")
        proxy.set_mode(Mode.PASS)
        await until(
            lambda: len(watched.entries) == 2 and watched.positions["BTC"]["quantity"] == Decimal("0.2"),
            pause_seconds=0.01,
        )
        task.cancel()
        await asyncio.wait([task])
    assert [entry["client_trade_id"] for entry in watched.entries] == ["a", "b"]
    console = Console(width=120, record=True, file=StringIO())
    console.print(table_of(watched))
    shown = console.export_text()
    assert "BTC" in shown
    assert "0.2" in shown
    assert watched.position in shown


async def test_where_nobody_reads_what_it_prints_it_ends_and_does_not_call_that_a_cut(here: Served) -> None:
    watched = Watched()
    host, port = here.address

    def show(_: Message | None) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    with pytest.raises(BrokenPipeError):
        await asyncio.wait_for(follow(socket_url(f"http://{host}:{port}"), {}, watched, show, pause=0.01), timeout=10)
    assert watched.link == "live"


async def test_without_a_terminal_who_does_not_answer_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    watched, shown, calls = Watched(), LineByLine(), []
    url = socket_url("http://127.0.0.1:1")  # nobody listens there

    def show(message: Message | None) -> None:
        shown(watched, message)
        calls.append(watched.link)

    task = asyncio.create_task(follow(url, {}, watched, show, pause=0.01))
    await until(lambda: len(calls) > 2)
    task.cancel()
    await asyncio.wait([task])
    shown(watched, {"type": "hello"})
    shown(watched, None)
    said = capsys.readouterr()
    assert said.err == 2 * "portfolio: cut off: no stream; it is tried again\n"
    assert said.out == '{"type": "hello"}\n'


async def test_who_is_refused_is_told_why(tmp_path: Path) -> None:
    async with (
        running_on_sqlite(tmp_path, database=create_database(tmp_path), api_keys=KEYS) as service,
        served(service) as (host, port),
    ):
        with pytest.raises(SettingsError, match="send a key"):
            await follow(socket_url(f"http://{host}:{port}"), {}, Watched(), lambda _: None)


def test_the_key_is_that_of_the_file_else_the_first_that_may_read(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("a-key-in-a-file\n")
    file.chmod(0o600)
    settings = Settings(api_keys=f"writer:trade:{'w' * 16},{KEYS}")
    assert key_of(settings, str(file)) == "a-key-in-a-file"
    assert key_of(settings, None) == "a" * 16
    assert key_of(Settings(), None) is None


@pytest.mark.parametrize(
    "url", ["localhost:8026", "ftp://localhost", "http://", "http://localhost:99999", "http://[", ""]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="is no address"):
        socket_url(url)
