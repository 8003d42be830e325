"""A Dask cluster in place of the worker processes: the same functions, through the port of ``concurrent.futures``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future as Submitted
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, TypeVar, TypeVarTuple

import structlog

from portfolio.adapters.compute.process import OUT_OF_MEMORY
from portfolio.application.errors import ComputationFailed, ComputationLate, ConfigurationInvalid, NotInstalled

if TYPE_CHECKING:
    from distributed import Client

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

EXTRA: Final = "dask"
CONNECT_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 1.0
COUNT_SECONDS: Final = 5.0
"""So old may be what is known of how many workers there are."""
MOST_AT_ONCE: Final = 16
"""As many slices of one instance at once: each sends its input along, of up to some megabytes."""

_log = structlog.get_logger(__name__)


class Cluster:
    """Runs functions on the workers of a Dask cluster, which have this package installed in the same version.

    The connection is made when it is needed, in a thread of its own, and made anew when it was lost. As long as there
    is none, or no worker, whoever asks waits: until the time that it gave is over.
    """

    def __init__(self, address: str) -> None:
        if find_spec("distributed") is None:
            raise NotInstalled("distributed", EXTRA)
        if address.startswith("tls://"):
            _check_certificates()
        self._address = address
        self._turn = asyncio.Lock()
        self._client: Client | None = None
        self._slots, self._counted_at = 0, 0.0
        self._asked = 0
        self._is_away = self._is_closed = False

    @property
    def spare(self) -> int:
        """Return how many threads of the workers have nothing to do of what was asked here."""
        return max(min(self._slots, MOST_AT_ONCE) - self._asked, 0)

    async def run(self, function: Callable[[*Ts], T], *given: *Ts, seconds: float) -> T:
        """Return the result of ``function``, which has to be importable by name, within ``seconds``.

        What it raises is raised here. Nobody waits for a result that is late, but the worker computes it to its end.

        Raises:
            ComputationFailed: the worker, or the connection to the cluster, was lost, or it has too little memory.
            ComputationLate: it took longer, the waiting for a cluster included.
        """
        self._asked += 1
        try:
            async with asyncio.timeout(seconds):
                return await self._run(await self._connected(), function, *given)
        except TimeoutError as error:
            raise ComputationLate(f"it was not computed within {seconds:.1f} seconds; ask for less") from error
        finally:
            self._asked -= 1

    async def close(self) -> None:
        """Leave the cluster; who waits for one waits no more."""
        self._is_closed = True
        await self._leave()

    async def _leave(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await asyncio.to_thread(client.close, timeout=CONNECT_SECONDS)

    async def _run(self, client: Client, function: Callable[[*Ts], T], *given: *Ts) -> T:
        from distributed import KilledWorker  # noqa: PLC0415  only a service with a cluster has it

        # Of its own key each time: who asks for the same again is to be computed for again.
        submitted: Submitted[T] = client.get_executor(pure=False, retries=0).submit(function, *given)
        result = asyncio.wrap_future(submitted)
        try:
            await asyncio.wait({result})
            if result.cancelled():  # so it says that the connection was lost
                raise ComputationFailed("the cluster lost it; ask again")
            return result.result()
        except KilledWorker as error:
            raise ComputationFailed("the worker that computes it ended; ask again") from error
        except MemoryError as error:
            raise ComputationFailed(OUT_OF_MEMORY) from error
        finally:
            result.cancel()

    async def _connected(self) -> Client:
        """Return a connection, as soon as there is one."""
        async with self._turn:
            while not self._is_closed:
                try:
                    return await self._client_now()
                except (OSError, TimeoutError) as error:
                    if not self._is_away:
                        _log.warning("compute.cluster_away", reason=f"{type(error).__name__}: {error}")
                    self._is_away = True
                await asyncio.sleep(RETRY_SECONDS)
            raise ComputationFailed("the service stops")

    async def _client_now(self) -> Client:
        known = self._client
        client = known if known is not None and known.status == "running" else await self._joined()
        if time.monotonic() - self._counted_at >= COUNT_SECONDS:
            self._slots = sum((await asyncio.to_thread(client.nthreads)).values())
            self._counted_at = time.monotonic()
        return client

    async def _joined(self) -> Client:
        await self._leave()
        client = self._client = await asyncio.to_thread(_client, self._address)
        self._counted_at, self._is_away = 0.0, False
        _log.info("compute.cluster_joined")
        return client


def _check_certificates() -> None:
    """See that there are certificates for encrypted connections; that of the service says who it is.

    Raises:
        ConfigurationInvalid: there are none, or they cannot be read.
    """
    from distributed import Security  # noqa: PLC0415  as above

    try:
        context = Security(require_encryption=True).get_connection_args("client")["ssl_context"]
    except OSError as error:  # of the ssl module too
        raise ConfigurationInvalid("PORTFOLIO_DASK_SCHEDULER", f"its certificates cannot be read: {error}") from error
    if context is None:
        raise ConfigurationInvalid(
            "PORTFOLIO_DASK_SCHEDULER",
            "tls:// needs DASK_DISTRIBUTED__COMM__TLS__CA_FILE, and __CLIENT__CERT and __CLIENT__KEY after __TLS",
        )


def _client(address: str) -> Client:
    """Return a connection; encrypted where the address says so, with the certificates of Dask's own configuration."""
    from distributed import Client, Security  # noqa: PLC0415  as above

    security = Security(require_encryption=address.startswith("tls://"))
    return Client(address, security=security, timeout=CONNECT_SECONDS, set_as_default=False, name="portfolio")
