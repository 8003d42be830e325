"""The stand-in exchange as a process of its own: ``python -m benchmarks.harness.feed <seconds> <symbols>``."""

from __future__ import annotations

import sys

from tests.support.exchanges.exchange import StandInExchange

# Asked for by themselves: the table of rates has them with three digits only.
COARSE = "C"
RATED = "R"


def symbols(kind: str, count: int) -> list[str]:
    """Return the symbols of this kind."""
    return [f"{kind}{number:03}" for number in range(count)]


def main() -> None:
    """Serve until the standard input ends; the first line printed is the address."""
    count = int(sys.argv[2])
    known = [*symbols(RATED, count), *symbols(COARSE, count)]
    prices = {symbol: f"{100 + number / 7:.7f}" for number, symbol in enumerate(known)}
    with StandInExchange({**prices, "USDT": "0.9995"}) as exchange:
        exchange.market.coarse = set(symbols(COARSE, count))
        exchange.latency_seconds = float(sys.argv[1])
        print(exchange.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
