"""The floors over HTTP: handlers that do nothing but what cannot be left out, on the service's own server.

``python -m benchmarks.harness.bare layered`` is the service itself, with these handlers beside its routes: the same key
check, request id, metrics and log. ``naked`` is Litestar alone. Both answer what the folder ``BENCH_FOLDER`` holds:
``/bare/bytes/{name}`` the file as it is, and the floors of the analyses, which compute and encode at every request.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec
import numpy as np
from litestar import Litestar, Response, get, post
from litestar.params import QueryParameter

from portfolio.entrypoints.http.app import PortfolioApp
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.server import run
from portfolio.main import CompositionRoot
from portfolio.settings import read_settings

FOLDER = "BENCH_FOLDER"
JSON = "application/json"

Array = np.ndarray[Any, np.dtype[np.float64]]
_READ = access(Scope.READ)
_BOOK = access(Scope.TRADE, books=True)


@get("/bare/bytes/{name:str}", opt=_READ)
async def read_bytes(name: str) -> Response[bytes]:
    """Return bytes that are ready."""
    return Response(_bytes(name), media_type=JSON)


@post("/bare/bytes/{name:str}", status_code=200, opt=_BOOK)
async def post_bytes(name: str, body: bytes) -> Response[bytes]:
    """Return bytes that are ready, once the body is read."""
    return Response(_bytes(name), media_type=JSON)


@get("/bare/correlation", opt=_READ)
async def read_correlation(days: Annotated[int, QueryParameter()]) -> Response[bytes]:
    """Return the service's answer with the bare product of the last days' returns by themselves as its matrix."""
    returns = _array("correlation.npy")[-days:]
    answer = _answer("correlation.json")
    answer["correlation"]["matrix"] = (returns.T @ returns).tolist()
    return Response(msgspec.json.encode(answer), media_type=JSON)


@get("/bare/analysis", opt=_READ)
async def read_analysis() -> Response[bytes]:
    """Return the service's answer, after the correlation, the covariance and the value at risk of the returns."""
    returns = _array("analysis.npy")
    np.corrcoef(returns, rowvar=False)
    np.cov(returns, rowvar=False)
    np.quantile(returns.mean(axis=1), 0.05)
    return Response(msgspec.json.encode(_answer("analysis.json")), media_type=JSON)


ROUTES = (read_bytes, post_bytes, read_correlation, read_analysis)


def _file(name: str) -> Path:
    return Path(os.environ[FOLDER], name)


@cache
def _bytes(name: str) -> bytes:
    return _file(name).read_bytes()


@cache
def _array(name: str) -> Array:
    return cast("Array", np.load(_file(name)))


@cache
def _answer(name: str) -> dict[str, Any]:
    return cast("dict[str, Any]", msgspec.json.decode(_bytes(name)))


def main() -> None:
    """Serve until told to stop."""
    settings = read_settings()
    if sys.argv[1] == "naked":
        run(cast("PortfolioApp", Litestar([*ROUTES], openapi_config=None, logging_config=None)), settings, {})
        return
    app = CompositionRoot().application(settings)
    for route in ROUTES:
        app.register(route)
    run(app, settings, {})


if __name__ == "__main__":
    main()
