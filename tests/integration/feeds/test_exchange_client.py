"""What one call survives, and what it makes of it."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import msgspec
import psutil
import pytest

from portfolio.adapters.feeds.errors import Blocked, Refused, SourceError, SourceFailed, Throttled, Unavailable
from portfolio.adapters.feeds.exchange_client import Bounds, ExchangeClient
from portfolio.settings import SettingsError
from tests.support.exchanges import exchange_faults as faults
from tests.support.exchanges.exchange import StandInExchange
from tests.support.exchanges.exchange_faults import Fault
from tests.support.fakes.clock import FakeClock

SPOT = "v2/prices/BTC-USD/spot"
BOUNDS = Bounds(deadline_seconds=1.5, bytes=100_000, in_flight=4)


class Spot(msgspec.Struct):
    amount: str


class Answer(msgspec.Struct):
    data: Spot


@pytest.fixture
async def client(exchange: StandInExchange, clock: FakeClock) -> AsyncIterator[ExchangeClient]:
    client = ExchangeClient("coinbase", exchange.url, clock, bounds=BOUNDS)
    yield client
    await client.close()


async def test_an_answer_is_decoded(client: ExchangeClient) -> None:
    assert (await client.get(SPOT, {}, Answer)).data.amount == "81401.385"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.SERVER_ERROR, SourceFailed),
        (faults.status(302, "", Location="http://127.0.0.1:1/"), SourceFailed),
        (faults.status(404, "<html>no such page</html>"), SourceFailed),
        (faults.status(400, ""), SourceFailed),
        (faults.status(404, '{"message":"NotFound"}'), Refused),
        (faults.status(400, '{"code":-1121,"msg":"Invalid symbol."}'), Refused),
        (faults.status(404, '{"errors":[{"id":"not_found","message":"Invalid base currency"}]}'), Refused),
        (faults.coinbase_limit(), Throttled),
        (faults.binance_limit(418), Throttled),
        (faults.status(503, "", Retry_After="9"), Throttled),
        (faults.FIREWALL, Blocked),
        (faults.RESTRICTED, Unavailable),
        (faults.HTML, SourceFailed),
        (faults.TRUNCATED, SourceFailed),
        (faults.HUGE, SourceFailed),
        (faults.TRICKLE, SourceFailed),
        (faults.SILENCE, SourceFailed),
        (faults.HANG_UP, SourceFailed),
        (faults.NESTED, SourceFailed),
        (faults.UTF16, SourceFailed),
        (Fault(headers={"Content-Encoding": "gzip"}), SourceFailed),
        (Fault(body=b'{"data":{"amount":81401.385}}'), SourceFailed),
        (Fault(body=b"null"), SourceFailed),
        (Fault(body=b""), SourceFailed),
    ],
)
async def test_every_fault_is_an_error_of_ours_before_the_deadline(
    exchange: StandInExchange, client: ExchangeClient, fault: Fault, error: type[SourceError]
) -> None:
    exchange.fail("spot", fault)
    begun = time.monotonic()
    with pytest.raises(error) as caught:
        await client.get(SPOT, {}, Answer)
    assert type(caught.value) is error
    assert time.monotonic() - begun < BOUNDS.deadline_seconds + 2
    assert 0 < len(caught.value.reason) <= 160
    assert "\n" not in caught.value.reason


@pytest.mark.parametrize("fault", [faults.HUGE, faults.TRICKLE, faults.SILENCE, faults.HANG_UP, faults.HTML])
async def test_after_a_fault_all_places_are_free_again(
    exchange: StandInExchange, client: ExchangeClient, fault: Fault
) -> None:
    exchange.fail("spot", fault, symbols={"ETH"})
    calls = [client.get("v2/prices/ETH-USD/spot", {}, Answer) for _ in range(BOUNDS.in_flight)]
    results = await asyncio.gather(client.get(SPOT, {}, Answer), *calls, return_exceptions=True)
    assert all(isinstance(result, SourceError) for result in results[1:])
    answers = await asyncio.gather(*(client.get(SPOT, {}, Answer) for _ in range(BOUNDS.in_flight)))
    assert len(answers) == BOUNDS.in_flight


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(status=451, body=b"x" * 50_000, repeat=20), id="large"),
        pytest.param(Fault(status=451, body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"}), id="packed"),
    ],
)
async def test_what_is_not_well_is_told_by_its_status_however_large_or_packed(
    exchange: StandInExchange, client: ExchangeClient, fault: Fault
) -> None:
    exchange.fail("spot", fault)
    with pytest.raises(Unavailable, match="451") as caught:
        await client.get(SPOT, {}, Answer)
    assert len(caught.value.reason) < 100
    assert caught.value.reason.isascii()


async def test_a_call_may_have_a_smaller_cap_of_its_own(exchange: StandInExchange, client: ExchangeClient) -> None:
    exchange.fail("spot", Fault(body=b" " * 2000 + b"{}"), times=1)
    with pytest.raises(SourceFailed, match="answered more than 1000 bytes"):
        await client.get(SPOT, {}, Answer, most_bytes=1000)
    assert (await client.get(SPOT, {}, Answer, most_bytes=1000)).data.amount == "81401.385"


async def test_a_hundred_huge_answers_at_once_take_little_memory(exchange: StandInExchange, clock: FakeClock) -> None:
    exchange.fail("spot", faults.HUGE)
    client = ExchangeClient("coinbase", exchange.url, clock, bounds=Bounds(deadline_seconds=20, in_flight=100))
    process = psutil.Process()
    resident = process.memory_info().rss
    calls = [client.get(SPOT, {}, Answer, most_bytes=16 * 1024) for _ in range(100)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    await client.close()
    assert all(isinstance(result, SourceError) for result in results)
    # The exchange's thread is in it too, with what it has sent into a hundred sockets. It was 1 GB.
    assert process.memory_info().rss - resident < 100 * 1024 * 1024


async def test_cancelled_calls_give_their_places_back(exchange: StandInExchange, client: ExchangeClient) -> None:
    exchange.fail("spot", faults.SILENCE)
    for _ in range(3):
        calls = [asyncio.create_task(client.get(SPOT, {}, Answer)) for _ in range(20)]
        await asyncio.sleep(0.05)
        for call in calls:
            call.cancel()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results)
    exchange.heal()
    assert (await client.get(SPOT, {}, Answer)).data.amount == "81401.385"


async def test_no_more_calls_run_at_once_than_there_are_places(
    exchange: StandInExchange, client: ExchangeClient
) -> None:
    exchange.latency_seconds = 0.02
    await asyncio.gather(*(client.get(SPOT, {}, Answer) for _ in range(20)))
    assert exchange.count() == 20
    assert exchange.peak_in_flight <= BOUNDS.in_flight


async def test_a_connection_that_broke_is_tried_once_more(exchange: StandInExchange, client: ExchangeClient) -> None:
    exchange.fail("spot", faults.HANG_UP, times=1)
    assert (await client.get(SPOT, {}, Answer)).data.amount == "81401.385"
    assert exchange.count() == 2


async def test_a_proxy_that_the_environment_names_is_used_but_for_hosts_that_need_none(
    exchange: StandInExchange, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", exchange.url)
    through = ExchangeClient("coinbase", "http://prices.invalid", clock, bounds=BOUNDS)
    assert (await through.get(SPOT, {}, Answer)).data.amount == "81401.385"
    await through.close()
    monkeypatch.setenv("no_proxy", "prices.invalid")
    past = ExchangeClient("coinbase", "http://prices.invalid", clock, bounds=BOUNDS)
    with pytest.raises(SourceFailed):
        await past.get(SPOT, {}, Answer)
    await past.close()


async def test_a_proxy_without_a_scheme_speaks_http(
    exchange: StandInExchange, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", exchange.url.removeprefix("http://"))
    through = ExchangeClient("coinbase", "http://prices.invalid", clock, bounds=BOUNDS)
    assert (await through.get(SPOT, {}, Answer)).data.amount == "81401.385"
    await through.close()


@pytest.mark.parametrize("proxy", ["http://", "http://proxy:port", "socks5://proxy:1080", "ftp://proxy", ":3128"])
@pytest.mark.parametrize("name", ["https_proxy", "ALL_PROXY"])
def test_a_proxy_that_cannot_be_used_is_named_before_the_first_call(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch, name: str, proxy: str
) -> None:
    monkeypatch.setenv(name, proxy)
    with pytest.raises(SettingsError, match=name.upper()):
        ExchangeClient("coinbase", "https://prices.invalid", clock)


async def test_a_port_where_nobody_answers_is_a_failed_source(clock: FakeClock) -> None:
    client = ExchangeClient("coinbase", "http://127.0.0.1:9", clock, bounds=BOUNDS)
    with pytest.raises(SourceFailed, match="ConnectError"):
        await client.get(SPOT, {}, Answer)
    await client.close()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("999999999", 259_200.0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("1 Jan 2026 00:00:00 +99999999999999", None),
    ],
)
async def test_the_pause_asked_for_is_read(
    exchange: StandInExchange, client: ExchangeClient, header: str, seconds: float | None
) -> None:
    exchange.fail("spot", Fault(status=429, body=b"", headers={"Retry-After": header}))
    with pytest.raises(Throttled) as caught:
        await client.get(SPOT, {}, Answer)
    assert caught.value.retry_after_seconds == seconds


@pytest.mark.parametrize(("offset", "seconds"), [(90, 90.0), (-90, 0.0)])
async def test_the_pause_may_be_a_date_by_the_exchanges_clock(
    exchange: StandInExchange, client: ExchangeClient, offset: int, seconds: float
) -> None:
    # The exchange's answers tell the time of this machine; the client's clock is months behind.
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=offset), usegmt=True)
    exchange.fail("spot", faults.coinbase_limit(moment))
    with pytest.raises(Throttled) as caught:
        await client.get(SPOT, {}, Answer)
    assert caught.value.retry_after_seconds == pytest.approx(seconds, abs=15)


async def test_the_exchange_own_code_is_kept(exchange: StandInExchange, client: ExchangeClient) -> None:
    exchange.fail("spot", faults.status(400, '{"code":-1121,"msg":"Invalid symbol."}'))
    with pytest.raises(Refused) as caught:
        await client.get(SPOT, {}, Answer)
    assert caught.value.code == "-1121"
    assert caught.value.reason == "400 Invalid symbol."
