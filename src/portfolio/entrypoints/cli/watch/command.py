"""``portfolio watch``: follows a service's stream in the terminal, and goes on where it was after a cut."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote, urlsplit

import click
import msgspec

from portfolio.entrypoints.http.shell.auth import HEADER, Scope
from portfolio.entrypoints.secret_files import read_secret_file
from portfolio.settings import LOOPBACK, Settings, SettingsError, read_settings

SUBPROTOCOL: Final = "portfolio.v1"
# A snapshot comes in parts; a state that prices many positions anew does not.
MOST_BYTES: Final = 16 * 1024 * 1024
LONGEST_PAUSE_SECONDS: Final = 30.0
NEWEST_ENTRIES: Final = 10
REFUSED: Final = frozenset({400, 401, 403, 404})

Message = dict[str, Any]


class Watched(msgspec.Struct):
    """What the stream has told so far. ``position`` is where it goes on, ``link`` how the connection is."""

    link: str = "connecting"
    position: str = "now"
    server_time: str = ""
    totals: Message = msgspec.field(default_factory=dict)
    positions: dict[str, Message] = msgspec.field(default_factory=dict)
    entries: list[Message] = msgspec.field(default_factory=list)
    health: str = ""
    signals: dict[str, Message] = msgspec.field(default_factory=dict)

    def take(self, message: Message) -> None:
        """Take in a message."""
        match message["type"]:
            case "snapshot":
                if message["part"] == 1:
                    self.positions, self.entries = {}, []
                self._value(message["portfolio"], message["positions"])
            case "state":
                self._value(message["totals"], message["changed"])
            case "entries":
                self.entries = [*self.entries, *message["entries"]][-NEWEST_ENTRIES:]
            case "signals":
                self.signals |= {signal["id"]: signal for signal in message["signals"]}
            case "health":
                self.health = message["health"]["status"]
        self.server_time = message.get("server_time", self.server_time)
        if message["type"] != "snapshot" or message["part"] == message["parts"]:
            self.position = message.get("position", self.position)

    @property
    def open_signals(self) -> list[Message]:
        """Return the signals that nobody has claimed yet."""
        return [signal for signal in self.signals.values() if signal["signal_status"] == "open"]

    def _value(self, totals: Message, changed: list[Message]) -> None:
        self.totals = totals
        self.positions |= {position["symbol"]: position for position in changed}
        self.positions = {symbol: position for symbol, position in self.positions.items() if position["quantity"]}


Shown = Callable[[Message | None], None]
"""What shows what was told: it is called with each message, and without one where the connection is another."""


async def follow(url: str, headers: Mapping[str, str], watched: Watched, shown: Shown, *, pause: float = 1.0) -> None:
    """Follow the stream for ever: where it ends, another one goes on after the last position.

    Raises:
        SettingsError: the service refuses this caller.
        OSError: what was told cannot be shown.
    """
    async with aclosing(_told(url, headers, watched, pause)) as told:
        async for message in told:
            shown(message)


async def _told(url: str, headers: Mapping[str, str], watched: Watched, pause: float) -> AsyncGenerator[Message | None]:
    """Yield each message once it is taken in, and None where the connection is another one."""
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
    from websockets.typing import Subprotocol

    wait = pause
    while True:
        address = f"{url}?after={quote(watched.position)}"
        try:
            async with connect(
                address,
                additional_headers=headers,
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                compression=None,
                max_size=MOST_BYTES,
            ) as socket:
                watched.link, wait = "live", pause
                async for text in socket:
                    message = json.loads(text, parse_float=Decimal, parse_int=Decimal)
                    watched.take(message)
                    yield message
        except InvalidStatus as error:
            if error.response.status_code in REFUSED:
                raise SettingsError(f"{url}: {_reason(error.response.body)}") from error
            watched.link = f"refused ({error.response.status_code})"
        except (OSError, ConnectionClosed, InvalidHandshake, TimeoutError):
            watched.link = "cut off"
        else:
            watched.link = "ended"
        yield None
        await asyncio.sleep(wait)
        wait = min(2 * wait, LONGEST_PAUSE_SECONDS)


def _reason(body: bytes | bytearray) -> str:
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, LookupError, TypeError):
        return "the service refused it"


def socket_url(url: str) -> str:
    """Return the address of a service's stream; raises UsageError where that is no address of a service."""
    why = f"{url!r} is no address such as https://portfolio.example.com"
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError as error:  # a port that is no number, brackets without an address
        raise click.UsageError(why) from error
    if not is_address:
        raise click.UsageError(why)
    return f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}{parts.path.rstrip('/')}/stream"


def key_of(settings: Settings, file: str | None) -> str | None:
    """Return the key to send: that in the file, else the first of the settings that may read; None without any.

    Raises:
        SettingsError: the file cannot be read.
    """
    if file is not None:
        return read_secret_file("--key-file", file).strip()
    entries = settings.api_keys
    if settings.api_keys_file:
        entries += "," + ",".join(read_secret_file("PORTFOLIO_API_KEYS_FILE", settings.api_keys_file).splitlines())
    for entry in entries.split(","):
        _, _, rest = entry.strip().partition(":")
        scopes, _, secret = rest.partition(":")
        if Scope.READ in scopes.split("+"):
            return secret
    return None


@click.command()
@click.argument("url", required=False)
@click.option("--after", default="now", show_default=True, help="`start`, or the position of a message")
@click.option("--key-file", help="A file with the API key to send; else the first of the settings that may read.")
def watch(url: str | None, after: str, key_file: str | None) -> None:
    """Follow what happens in a service, live; after a cut it goes on where it was.

    Without URL it is the service of these settings. Where the output is no terminal, each message is a line of JSON.
    """
    _refuse(after)
    settings = read_settings()
    host = settings.host if settings.host in LOOPBACK else "127.0.0.1"
    own = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    address = socket_url(own if url is None else url)
    key = key_of(settings, key_file)
    headers = {} if key is None else {HEADER: key}
    watched = Watched(position=after)
    try:
        if sys.stdout.isatty():
            _show_table(address, headers, watched)
        else:
            lines = LineByLine()
            asyncio.run(follow(address, headers, watched, lambda message: lines(watched, message)))
    except KeyboardInterrupt:
        click.echo(f"the next one goes on with --after {watched.position}", err=True)


def _refuse(after: str) -> None:
    """Refuse what is no place to begin at: a service that is away would be asked for it for ever.

    Raises:
        UsageError: it is neither a word for a place nor the position of a message.
    """
    from portfolio.application.stream.records import Place

    try:
        if after not in {"now", "start"}:
            Place.parse(after)
    except ValueError as error:
        raise click.UsageError(f"--after {error}; or start, or now") from error


class LineByLine:
    """Prints each message as a line of JSON, and on the standard error, once, that there is no stream."""

    def __init__(self) -> None:
        self._told = ""

    def __call__(self, watched: Watched, message: Message | None) -> None:
        """Print a message; without one, how the connection is."""
        if message is not None:
            click.echo(json.dumps(message, default=str))
            self._told = ""
        elif watched.link != self._told:
            self._told = watched.link
            click.echo(f"portfolio: {watched.link}: no stream; it is tried again", err=True)


def _show_table(address: str, headers: Mapping[str, str], watched: Watched) -> None:
    from rich.live import Live

    from portfolio.entrypoints.cli.watch.table import table_of

    with Live(get_renderable=lambda: table_of(watched), refresh_per_second=4, screen=True):
        asyncio.run(follow(address, headers, watched, lambda _message: None))
