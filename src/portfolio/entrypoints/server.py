"""The HTTP server: one process, one event loop; a stop completes the requests in flight."""

from __future__ import annotations

import gc
import math
import signal
import socket
import stat
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, cast

import structlog
import uvicorn

from portfolio.application.stream.broadcast import Broadcast
from portfolio.entrypoints.connections import ConnectionLimits, bounded, connection_limits
from portfolio.entrypoints.http.app import PortfolioApp
from portfolio.entrypoints.logs import configure_logging, log_what_python_prints
from portfolio.entrypoints.socket_connections import BoundedSocket
from portfolio.settings import ENV_FILE, Settings, SettingsError, read_settings

_log = structlog.get_logger(__name__)

_UNUSED = (signal.SIGUSR1, signal.SIGUSR2)

KEEP_ALIVE_SECONDS = 30
BACKLOG = 2048
# A booking leaves thousands of objects behind, none of them in circles: Python would look for those after 700.
YOUNG_OBJECTS = 10_000


def refuse_taken_address(settings: Settings) -> None:
    """Make sure that the service can listen where it is told to, before anything else is begun.

    Raises:
        SettingsError: another program listens there, or this machine has no such address.
    """
    host, port = settings.host, settings.port
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        said = (error.strerror or type(error).__name__).partition(" (while")[0]
        raise SettingsError(f"cannot listen on {host}, port {port}: {said} (PORTFOLIO_HOST, PORTFOLIO_PORT)") from error


def run(app: PortfolioApp, settings: Settings, identity: Mapping[str, str], notes: Sequence[str] = ()) -> None:
    """Serve ``app`` until SIGTERM or SIGINT; requests in flight are answered before it returns.

    ``notes`` are what is to be said of the database.

    Raises:
        SettingsError: it could not be started.
    """
    limits = connection_limits(settings)
    configure_logging(settings)
    log_what_python_prints()
    prices = settings.price_feed.value
    _log.info("service.starting", **identity, host=settings.host, port=settings.port, prices=prices)
    for note in notes:
        _log.warning("database.less_safe", note=note)
    warn_of_readable_secrets(settings)
    # The server obeys these, and then raises them again for whoever handled them before: they are dealt with by then.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda _number, _frame: None)
    signal.signal(signal.SIGHUP, lambda _number, _frame: read_keys_again(app))
    for unused in _UNUSED:
        signal.signal(unused, lambda number, _frame: _log.warning("signal.ignored", signal=signal.Signals(number).name))
    # What is imported by now stays: looking through it for garbage again and again is a tenth of a booking's time. What
    # is garbage of it stays too: 0.3 MB, for which to look is a twentieth of the start.
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    gc.enable()
    try:
        _serve(app, settings, limits)
    except SystemExit as ended:  # the server logs why, and has statuses of its own
        raise SettingsError("the service could not be started; its log says why") from ended
    finally:
        for number in (signal.SIGHUP, *_UNUSED):  # the interpreter's end would leave them to the system, which kills
            signal.signal(number, signal.SIG_IGN)


def warn_of_readable_secrets(settings: Settings) -> None:
    """Say in the log which files with secrets every user of this machine may read.

    No more than that: what hands secrets to containers often leaves them readable to all within.
    """
    for path in (settings.api_keys_file, settings.database_tls_key, ENV_FILE):
        with suppress(OSError):
            if path and Path(path).stat().st_mode & stat.S_IROTH:
                _log.warning("secrets.readable_by_all", file=path, advice="chmod 600")


class Server(uvicorn.Server):
    """Ends the streams before it waits for the requests in flight: a stream would not end by itself."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop, however often it is asked for: a second Ctrl-C would leave unfinished what was begun."""
        super().handle_exit(sig, frame)
        self.force_exit = False

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nothing new, say goodbye to those who listen, complete what was begun, and end."""
        for server in self.servers:
            server.close()
        stream: Broadcast | None = cast("PortfolioApp", self.config.app).state.get("stream")
        if stream is not None:
            await stream.end()
        for connection in list(self.server_state.connections):
            if getattr(connection, "is_stuck", False):  # what it has not read it will not read in time
                connection.transport.abort()
        await super().shutdown(sockets)


def server_config(app: PortfolioApp, limits: ConnectionLimits, **others: Any) -> uvicorn.Config:
    """Return how the server speaks to clients: everything but where it listens."""
    return uvicorn.Config(
        app,
        http=bounded(limits),
        ws=BoundedSocket,
        ws_per_message_deflate=False,  # 40 KB a socket
        lifespan="on",
        log_config=None,
        access_log=False,
        **others,
    )


def _serve(app: PortfolioApp, settings: Settings, limits: ConnectionLimits) -> None:
    config = server_config(
        app,
        limits,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        workers=1,  # else WEB_CONCURRENCY says how many
        server_header=False,
        # Addresses come from the forwarding headers of trusted proxies alone, which our own code reads.
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=math.ceil(settings.request_deadline_seconds) + 1,
    )
    server = Server(config)
    server.run()
    if not server.started:
        sys.exit(1)


def read_keys_again(app: PortfolioApp) -> None:
    """Take the API keys as the environment, `.env` and the keys file have them now; else keep those there were."""
    try:
        count = app.state.admission.take_keys(read_settings())
    except SettingsError as error:
        _log.error("keys.not_read", reason=str(error))
    else:
        _log.info("keys.read", keys=count)
