"""What is odd in an answer spoils only what it stands for, and what comes after an answer is nobody's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from portfolio.adapters.feeds.exchange_client import ExchangeClient
from portfolio.adapters.feeds.exchanges import Exchanges
from portfolio.domain.symbol import Symbol
from tests.support.exchanges.exchange import StandInExchange
from tests.support.exchanges.exchange_faults import Fault
from tests.support.fakes.clock import FakeClock

BTC, ETH, SOL, LTC = (Symbol(code) for code in ("BTC", "ETH", "SOL", "LTC"))
DAYS = date(2026, 11, 1), date(2026, 11, 4)
FIRST_OPENED_AT = 1_793_491_200  # 2026-11-01T00:00:00Z


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ('{"symbol":"ETHUSDT","price":null}', "gave no price"),
        ('{"symbol":"ETHUSDT","price":1.5}', "gave no price"),
        ('{"symbol":"ETHUSDT"}', "gave no price"),
        ("null", "gave no price"),
        ("[]", "gave no price"),
        ('{"symbol":"ETHUSDT","price":"1","price":"2"}', "gave no price"),
        ('{"symbol":"BTCUSDT","symbol":"ETHUSDT","price":"1"}', "gave no price"),
        ('{"symbol":"ETHUSDT","price":"1"},{"symbol":"ETHUSDT","price":"2"}', "gave two prices"),
        ('{"symbol":"ETHUSDT","price":"NaN"}', "price refused"),
    ],
)
async def test_an_odd_ticker_spoils_only_its_own_symbol(
    exchange: StandInExchange, exchanges: Exchanges, odd: str, said: str
) -> None:
    body = f'[{{"symbol":"BTCUSDT","price":"81000.5"}},{odd},{{"symbol":"SOLUSDT","price":"150"}}]'
    exchange.fail("ticker", Fault(body=body.encode()))
    report = await exchanges.fallback.quotes([BTC, ETH, SOL])
    assert set(report.quotes) == {BTC, SOL}
    assert said in report.failures[ETH]


@pytest.mark.parametrize(
    "data",
    [
        '"amount":null,"base":"ETH","currency":"USD"',
        '"base":"ETH","currency":"USD"',
        '"amount":"1","amount":"2","base":"ETH","currency":"USD"',
        '"amount":"1","base":"BTC","base":"ETH","currency":"USD"',
    ],
)
async def test_an_odd_spot_answer_is_no_price_and_no_failure_of_the_source(
    exchange: StandInExchange, exchanges: Exchanges, data: str
) -> None:
    exchange.fail("spot", Fault(body=b'{"data":{%s}}' % data.encode()), symbols={"ETH"})
    report = await exchanges.spot.quotes([BTC, ETH])
    assert set(report.quotes) == {BTC}
    assert "answered" in report.failures[ETH]
    assert exchanges.spot.states()["coinbase"].last_error is None


@pytest.mark.parametrize("odd", ['"ETH":null', '"ETH":3', '"ETH":"0.00031250","ETH":"1.00000000"'])
async def test_an_odd_rate_of_the_table_has_its_symbol_asked_for_by_itself(
    exchange: StandInExchange, exchanges: Exchanges, odd: str
) -> None:
    symbols = [BTC, ETH, *(Symbol(f"T{number}") for number in range(60))]
    rates = ",".join(f'"{symbol}":"0.012345678"' for symbol in symbols if symbol != ETH)
    exchange.fail("rates", Fault(body=b'{"data":{"currency":"USD","rates":{%s,%s}}}' % (rates.encode(), odd.encode())))
    report = await exchanges.spot.quotes(symbols)
    assert set(report.quotes) == set(symbols)
    asked = [call.symbols for call in exchange.calls if call.kind == "spot"]
    assert sorted(asked, key=sorted) == [{"ETH"}, {"USDT"}]


@pytest.mark.parametrize(
    "odd", ["null", "[1793577600, 1, 2, null, 3, 4]", '[1793577600, 1, 2, 3, "x", 4]', "{}", "[1793577600]"]
)
async def test_an_odd_candle_spoils_only_its_own_day(exchange: StandInExchange, exchanges: Exchanges, odd: str) -> None:
    rows = [json.dumps([FIRST_OPENED_AT + number * 86_400, 1, 2, 1, 1.5 + number, 9]) for number in (0, 2, 3)]
    exchange.fail("candles", Fault(body=f"[{','.join([*rows, odd])}]".encode()))
    closes = await exchanges.closes.daily_closes(LTC, *DAYS)
    of_coinbase = [(close.day.day, close.price.value) for close in closes if close.source == "coinbase"]
    assert of_coinbase == [(1, Decimal("1.5")), (3, Decimal("3.5")), (4, Decimal("4.5"))]
    assert [close.day.day for close in closes if close.source != "coinbase"] == [2]


async def test_what_is_no_list_at_all_is_a_failure_of_the_source(
    exchange: StandInExchange, exchanges: Exchanges
) -> None:
    exchange.fail("ticker", Fault(body=b'{"symbol":"BTCUSDT","price":"1"}'))
    assert "answered what is no answer" in (await exchanges.fallback.quotes([BTC])).failures[BTC]


class Answer(msgspec.Struct):
    """What the server below answers: the number of the request."""

    number: int


def answers(*numbers: int) -> bytes:
    bodies = [b'{"number":%d}' % number for number in numbers]
    return b"".join(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body) for body in bodies)


@asynccontextmanager
async def server(sent: Callable[[int], bytes]) -> AsyncIterator[str]:
    """A server that sends these bytes to the request of each number, on connections that it keeps."""
    requests = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                requests += 1
                writer.write(sent(requests))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        host, port = listening.sockets[0].getsockname()
        yield f"http://{host}:{port}"


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(lambda number: answers(number, 1000 + number), id="one more answer"),
        pytest.param(lambda number: answers(number, 1000, 1001, 1002), id="three more"),
        pytest.param(lambda number: answers(number) + b"HTTP/1.1 200 OK\r\n", id="the begin of one"),
        pytest.param(lambda number: answers(number) + b"\x00", id="a byte"),
        pytest.param(answers, id="nothing more"),
    ],
)
async def test_what_comes_after_an_answer_is_not_taken_for_the_next_one(sent: Any, clock: FakeClock) -> None:
    async with server(sent) as url:
        client = ExchangeClient("coinbase", url, clock)
        assert [(await client.get("x", {}, Answer)).number for _ in range(4)] == [1, 2, 3, 4]
        await client.close()
