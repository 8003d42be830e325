"""The service's settings: read once from the environment and ``.env``; nothing else reads the environment."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, cast
from urllib.parse import urlsplit

import msgspec
from dotenv import dotenv_values
from msgspec import Meta, inspect

from portfolio.domain.errors import InvalidSymbol
from portfolio.domain.ledger.portfolio import BookingRules
from portfolio.domain.symbol import Symbol

PREFIX: Final = "PORTFOLIO_"
ENV_FILE: Final = ".env"
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

# What Kubernetes sets in every container for a Service named portfolio or portfolio-...: its addresses, and no setting.
_OF_A_SERVICE: Final = re.compile(
    r"PORTFOLIO_([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
# The name under which OpenSSL looks for an authority in a folder.
_HASHED: Final = re.compile(r"[0-9a-f]{8}\.\d+")

# What a double makes a whole number of need not be one, and Decimal takes digits of other scripts too.
_WRITTEN: Final = {int: r"[0-9]+(\.0+)?([eE]\+?[0-9]+)?", Decimal: "[0-9.+eE-]+"}
_LISTS: Final = frozenset({"api_keys", "database_hosts", "trusted_proxies"})  # may be written in several lines

Seconds = Annotated[float, Meta(ge=0.01, le=31 * 86_400)]
Count = Annotated[int, Meta(ge=1, le=10**9)]
Days = Annotated[int, Meta(ge=1, le=3_650)]


class SettingsError(Exception):
    """A setting is missing or wrong; the text says which and what it takes."""


class PriceFeedKind(StrEnum):
    """Where prices come from."""

    EXCHANGES = "exchanges"
    SIMULATED = "simulated"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every setting, with its default. Field ``x_y`` is the environment variable ``PORTFOLIO_X_Y``."""

    database_url: str = "sqlite+aiosqlite:///./portfolio.db"
    database_hosts: str = ""
    database_tls_ca: str = ""
    database_tls_cert: str = ""
    database_tls_key: str = ""
    database_tls_verify: bool = True
    prices_schema: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_$\u0080-\uffff-]{1,64}$")] = "crypto_prices"
    database_pool_size: Annotated[int, Meta(ge=1, le=1_000)] = 10
    # A quarter of it has to do for a read of the database, and Retry-After counts whole seconds.
    request_deadline_seconds: Annotated[float, Meta(ge=1, le=31 * 86_400)] = 10.0
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8026
    api_keys: str = ""
    api_keys_file: str = ""
    allow_open: bool = False
    trusted_proxies: str = ""
    sign_in_seconds: Seconds = 43_200.0
    rate_limit_per_minute: Count = 1_200
    rate_limit_bookings_per_minute: Count = 60_000
    streams: Count = 500
    streams_per_key: Count = 20
    price_feed: PriceFeedKind = PriceFeedKind.EXCHANGES
    refresh_seconds: Seconds = 60.0
    price_max_age_seconds: Seconds = 300.0
    coinbase_url: str = "https://api.coinbase.com"
    binance_url: str = "https://api.binance.com"
    compute_workers: Annotated[int, Meta(ge=1, le=64)] = 1
    dask_scheduler: str = ""
    candles_url: str = "https://api.exchange.coinbase.com"
    initial_cash: Decimal = Decimal(100_000)
    allow_negative_cash: bool = False
    amount_tolerance_percent: Decimal = Decimal(5)
    risk_free_rate: Decimal = Decimal(0)
    benchmark: str = "BTC"
    signal_ttl_seconds: Seconds = 900.0
    tick_retention_days: Days = 7
    long_term_days: Days = 365
    log_file: str = "portfolio_service.log"
    log_level: str = "INFO"
    policy_file: str = ""
    categories_file: str = ""

    def __post_init__(self) -> None:
        for name in ("initial_cash", "amount_tolerance_percent"):
            value = getattr(self, name)
            if not 0 <= value < Decimal(10) ** 20 or value.as_tuple().exponent < -18:
                raise ValueError(f"{name} has to be a number from 0 to below 1e20, of at most 18 decimals")
        if not -1 < self.risk_free_rate <= 1:
            raise ValueError("risk_free_rate has to be above -1 and at most 1: 5 % a year is 0.05")
        try:
            _ = self.benchmark_symbol  # it is checked
        except InvalidSymbol as error:
            raise ValueError("benchmark has to be the symbol of an asset, such as BTC") from error
        for name in ("coinbase_url", "binance_url", "candles_url"):
            if not _is_http_address(getattr(self, name)):
                raise ValueError(f"{name} has to be an address such as https://api.example.com")
        if self.dask_scheduler and not _is_cluster_address(self.dask_scheduler):
            raise ValueError("dask_scheduler has to be tls://host:port; tcp://host:port is for this machine alone")
        if self.log_level not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            raise ValueError("log_level is one of DEBUG, INFO, WARNING, ERROR")

    def __repr__(self) -> str:
        """Return nothing of what the settings hold: some are credentials."""
        return "Settings(...)"

    @property
    def further_hosts(self) -> tuple[str, ...]:
        """Return the database's further hosts, each ``host`` or ``host:port``."""
        return _listed(self.database_hosts)

    @property
    def proxies(self) -> tuple[str, ...]:
        """Return the addresses and networks whose ``X-Forwarded-For`` is believed."""
        return _listed(self.trusted_proxies)

    @property
    def booking_rules(self) -> BookingRules:
        """Return what bookings are held to."""
        return BookingRules(
            amount_tolerance_percent=self.amount_tolerance_percent,
            allow_negative_cash=self.allow_negative_cash,
            max_price_age=timedelta(seconds=self.price_max_age_seconds),
        )

    @property
    def benchmark_symbol(self) -> Symbol:
        """Return the asset that the portfolio is compared with."""
        return Symbol.parse(self.benchmark)

    @property
    def is_simulated(self) -> bool:
        """Return whether prices are made up."""
        return self.price_feed is PriceFeedKind.SIMULATED

    @property
    def is_embedded(self) -> bool:
        """Return whether the database is the embedded one."""
        return self.database_url.startswith("sqlite")

    @property
    def is_loopback(self) -> bool:
        """Return whether only this machine can reach the service."""
        return self.host in LOOPBACK


def read_settings(environment: Mapping[str, str] | None = None, *, env_file: Path | None = None) -> Settings:
    """Return the settings of the environment, on top of those of the ``.env`` file.

    In a Kubernetes cluster with a Service named ``portfolio`` every container gets ``PORTFOLIO_PORT=tcp://...`` and
    more of that kind. These are left alone: the port is then what the file says, or the default.

    Raises:
        SettingsError: a value is wrong, a name with our prefix is none of ours, others may write the file, or the
            environment has something for the libraries that they cannot use.
    """
    environment = os.environ if environment is None else environment
    _check_libraries(environment)
    found = _of_file(env_file or Path(ENV_FILE))
    found.update((n, text) for n, text in environment.items() if text.strip() and not _is_of_a_service(n, text))
    given = {
        name.removeprefix(PREFIX).swapcase(): value.strip()  # in small letters it is another, and none of ours
        for name, value in found.items()
        if name.startswith(PREFIX) and value is not None and value.strip()
    }
    if unknown := sorted(set(given) - set(Settings.__struct_fields__)):
        raise SettingsError(f"unknown settings: {', '.join(PREFIX + name.swapcase() for name in unknown)}")
    if unreadable := [n for n, v in given.items() if not (" ".join(v.split()) if n in _LISTS else v).isprintable()]:
        raise SettingsError(f"{PREFIX}{unreadable[0].upper()} has characters that cannot be printed, or is not UTF-8")
    usual = Settings()
    if wrong := [n for n, t in given.items() if not re.fullmatch(_WRITTEN.get(type(getattr(usual, n)), "(?s).*"), t)]:
        raise SettingsError(f"{PREFIX}{wrong[0].upper()} takes {_taken(wrong[0])}")
    try:
        return msgspec.convert(given, Settings, strict=False)
    except (msgspec.ValidationError, ValueError) as error:
        # The message names the field and what it takes, never the value: it may be a credential.
        raise SettingsError(_named(str(error))) from error


def refuse_other_writers(name: str, path: Path) -> None:
    """Make sure that nobody but its owner decides what is in a file: who writes it can make himself a key.

    A link is followed; neither where it stands nor where it leads may others put another file in its place. Where only
    owners can remove files (as in ``/tmp``) they cannot.

    Raises:
        OSError: there is no such file.
        SettingsError: others may write it, or into its folder.
    """
    others = stat.S_IWGRP | stat.S_IWOTH
    if path.stat().st_mode & others:
        raise SettingsError(f"{name}: others than its owner may write that file; `chmod 600` it")
    for folder in {path.absolute().parent, path.resolve().parent}:
        mode = folder.stat().st_mode
        if mode & others and not mode & stat.S_ISVTX:
            raise SettingsError(f"{name}: others may replace that file; `chmod go-w {folder}`")


def _check_libraries(environment: Mapping[str, str]) -> None:
    """Make sure that what libraries read of the environment can be used, and is meant for a service such as this.

    Raises:
        SettingsError: no authority is where it is said to be, secrets of connections would be written to a file, or
            metrics would be shared with other processes.
    """
    if environment.get("SSLKEYLOGFILE"):
        raise SettingsError("SSLKEYLOGFILE: the secrets of every encrypted connection would be written there; unset it")
    for name in ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"):
        if environment.get(name):
            raise SettingsError(f"{name}: this service is one process, and tells its own metrics; unset it")
    file, folders = environment.get("SSL_CERT_FILE"), environment.get("SSL_CERT_DIR", "")
    if file and not (os.path.isfile(file) and os.access(file, os.R_OK)):
        raise SettingsError(f"SSL_CERT_FILE: {file} is not there, or cannot be read")
    found = (name for folder in folders.split(os.pathsep) if os.path.isdir(folder) for name in os.listdir(folder))
    if folders and not any(_HASHED.fullmatch(name) for name in found):
        raise SettingsError(f"SSL_CERT_DIR: {folders} holds no certificate by its hash (`openssl rehash` makes them)")


def _of_file(file: Path) -> dict[str, str | None]:
    """Return what ``.env`` says; nothing where there is none."""
    try:
        if file.is_dir() or not os.path.lexists(file):
            return {}
        file.stat()  # a link that leads nowhere is an error
        # With the mark that some editors put before the first name, which would be lost by it.
        found = dict(dotenv_values(file, encoding="utf-8-sig"))
        if any(name.startswith(PREFIX) for name in found):
            refuse_other_writers(f"the file {file}", file)
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", "not UTF-8") or type(error).__name__
        raise SettingsError(f"the file {file} cannot be read: {said}") from error
    return found


def _is_of_a_service(name: str, value: str) -> bool:
    """Return whether Kubernetes has set this to tell where a Service is."""
    is_port = name.startswith(PREFIX) and name.endswith("PORT") and value.startswith(("tcp://", "udp://", "sctp://"))
    return is_port or _OF_A_SERVICE.fullmatch(name) is not None


def _is_http_address(text: str) -> bool:
    try:
        address = urlsplit(text)
        return address.scheme in {"http", "https"} and bool(address.hostname) and address.port != 0
    except ValueError:
        return False


def _is_cluster_address(text: str) -> bool:
    """Return whether it is one of a cluster that code may be sent to, and whose answers may be code: pickles are."""
    try:
        address = urlsplit(text)
        is_near = address.scheme == "tcp" and address.hostname in LOOPBACK
        return (is_near or address.scheme == "tls") and bool(address.hostname and address.port) and not address.path
    except ValueError:
        return False


def _named(said: str) -> str:
    """Return a complaint about a field with the name that it is set by, and never its value."""
    if place := said.partition(" - at `$.")[2].rstrip("`"):
        return f"{PREFIX}{place.upper()} takes {_taken(place)}"
    field, _, rest = said.partition(" ")
    return f"{PREFIX}{field.upper()} {rest}" if field in Settings.__struct_fields__ else f"{PREFIX}*: {said}"


def _taken(name: str) -> str:
    kinds = {field.name: field.type for field in cast("inspect.StructType", inspect.type_info(Settings)).fields}
    match kinds[name]:
        case inspect.IntType(ge=least, le=most):
            return f"a whole number from {least} to {most}"
        case inspect.FloatType(ge=least, le=most):
            return f"a number from {least} to {most:.0f}"
        case inspect.EnumType(cls=choices):
            return " or ".join(str(choice.value) for choice in choices)
        case inspect.BoolType():
            return "true or false"
        case inspect.StrType():
            return "at most 64 letters, digits, '_', '-' and '$'"
    return "a number"


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
