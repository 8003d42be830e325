"""The lists of pairs of the stand-in exchange, with their rules, in the shapes of the real ones.

Coinbase Exchange: ``GET /products``, https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/products/get-single-product.
Binance: ``GET /api/v3/exchangeInfo``, https://developers.binance.com/docs/binance-spot-api-docs/rest-api/general-endpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

Answer = tuple[int, object]
Change = Callable[[dict[str, Any]], object]


class ListedPairs:
    """What either exchange lists, and by what rules.

    ``products`` and ``pairs`` hold changes by symbol, as a test wishes them: each is handed what is listed of the
    symbol and may change it. ``extra`` are entries of either list beside the true ones.
    """

    def __init__(self, spot: Mapping[str, str], tether: Mapping[str, str]) -> None:
        self._spot = spot
        self._tether = tether
        self.products: dict[str, Change] = {}
        self.pairs: dict[str, Change] = {}
        self.extra: list[object] = []

    def coinbase(self) -> Answer:
        """All products: against the dollar and, of some, against other currencies too."""
        listed = []
        for symbol, price in self._spot.items():
            for quote in ("USD", "EUR") if symbol in {"BTC", "ETH"} else ("USD",):
                product = _product(symbol, quote, price)
                if quote == "USD" and symbol in self.products:
                    self.products[symbol](product)
                listed.append(product)
        return 200, [*listed, *self.extra]

    def binance(self, raw_query: str) -> Answer:
        """All pairs; those of BTC against bitcoin too."""
        query = parse_qs(raw_query)
        if unknown := query.keys() - {"symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus"}:
            read, sent = len(query) - len(unknown), len(query)
            said = f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'."
            return 400, {"code": -1104, "msg": said}
        listed = []
        for symbol, price in self._tether.items():
            pair = _pair(symbol, "USDT", price)
            if symbol in self.pairs:
                self.pairs[symbol](pair)
            listed.append(pair)
        if "ETH" in self._tether:
            listed.append(_pair("ETH", "BTC", "0.03746"))
        if query.get("showPermissionSets") == ["false"]:
            for pair in listed:
                pair["permissionSets"] = []
        limits = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000}]
        info = {"timezone": "UTC", "serverTime": 1764380000000, "rateLimits": limits, "exchangeFilters": []}
        return 200, {**info, "symbols": [*listed, *self.extra]}


def _product(symbol: str, quote: str, price: str) -> dict[str, Any]:
    is_cheap = Decimal(price) < 1
    return {
        "id": f"{symbol}-{quote}",
        "base_currency": symbol,
        "quote_currency": quote,
        "quote_increment": "0.00000001" if is_cheap else "0.01",
        "base_increment": "1" if Decimal(price) < Decimal("0.001") else "0.00000001",
        "display_name": f"{symbol}-{quote}",
        "min_market_funds": "1",
        "margin_enabled": False,
        "post_only": False,
        "limit_only": False,
        "cancel_only": False,
        "status": "online",
        "status_message": "",
        "trading_disabled": False,
        "fx_stablecoin": symbol in {"USDT", "USDC", "DAI"},
        "max_slippage_percentage": "0.02000000",
        "auction_mode": False,
        "high_bid_limit_percentage": "",
    }


def _pair(symbol: str, quote: str, price: str) -> dict[str, Any]:
    """A pair of Binance: about 5 dollars are the least order, and a step is worth a cent to a dollar."""
    magnitude = Decimal(price).adjusted()
    step = Decimal(1).scaleb(min(0, -max(magnitude, 0) - 1))
    tick = Decimal(1).scaleb(max(-8, magnitude - 6))
    return {
        "symbol": f"{symbol}{quote}",
        "status": "TRADING",
        "baseAsset": symbol,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT"],
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": True,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": _8(tick), "maxPrice": "1000000.00000000", "tickSize": _8(tick)},
            {"filterType": "LOT_SIZE", "minQty": _8(step), "maxQty": "9000000.00000000", "stepSize": _8(step)},
            {"filterType": "ICEBERG_PARTS", "limit": 10},
            {
                "filterType": "MARKET_LOT_SIZE",
                "minQty": "0.00000000",
                "maxQty": "123456.78900000",
                "stepSize": "0.00000000",
            },
            {
                "filterType": "TRAILING_DELTA",
                "minTrailingAboveDelta": 10,
                "maxTrailingAboveDelta": 2000,
                "minTrailingBelowDelta": 10,
                "maxTrailingBelowDelta": 2000,
            },
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": "5",
                "bidMultiplierDown": "0.2",
                "askMultiplierUp": "5",
                "askMultiplierDown": "0.2",
                "avgPriceMins": 5,
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": "5.00000000",
                "applyMinToMarket": True,
                "maxNotional": "9000000.00000000",
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
        ],
        "permissions": [],
        "permissionSets": [["SPOT", "MARGIN", *(f"TRD_GRP_{number:03}" for number in range(4, 12))]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"],
    }


def _8(value: Decimal) -> str:
    return f"{value:.8f}"
