"""What is set wrong is named as it was written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from portfolio.entrypoints.secret_files import read_secret_file
from portfolio.settings import Settings, SettingsError, read_settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORTFOLIO_PORT", "abc"),
        ("PORTFOLIO_PORT", "http://10.96.0.12:8026"),
        ("PORTFOLIO_REQUEST_DEADLINE_SECONDS", "-1"),
        ("PORTFOLIO_REQUEST_DEADLINE_SECONDS", "inf"),
        ("PORTFOLIO_REFRESH_SECONDS", "1e300"),
        ("PORTFOLIO_PRICE_MAX_AGE_SECONDS", "nan"),
        ("PORTFOLIO_SIGNAL_TTL_SECONDS", "1e12"),
        ("PORTFOLIO_DATABASE_POOL_SIZE", "1000000"),
        ("PORTFOLIO_RATE_LIMIT_PER_MINUTE", "1e40"),
        ("PORTFOLIO_TICK_RETENTION_DAYS", "999999999"),
        ("PORTFOLIO_INITIAL_CASH", "Infinity"),
        ("PORTFOLIO_COINBASE_URL", "api.coinbase.com"),
        ("PORTFOLIO_BINANCE_URL", "ftp://api.binance.com"),
        ("PORTFOLIO_CANDLES_URL", "https://[::1"),
        ("PORTFOLIO_LOG_LEVEL", "LOUD"),
        ("PORTFOLIO_INITIAL_CASH", "1e-19"),
        ("PORTFOLIO_INITIAL_CASH", "1_000"),
        ("PORTFOLIO_AMOUNT_TOLERANCE_PERCENT", "\u0661\u0662"),
        ("PORTFOLIO_RISK_FREE_RATE", "0.\uff10\uff15"),
        ("PORTFOLIO_LOG_FILE", "one.log\ntwo.log"),
        ("PORTFOLIO_HOST", "127.0.0.1\nexample"),
        ("PORTFOLIO_POLICY_FILE", "policy\u00a0file.toml"),
        ("PORTFOLIO_RISK_FREE_RATE", "-2"),
        ("PORTFOLIO_RISK_FREE_RATE", "1.01"),
        ("PORTFOLIO_RISK_FREE_RATE", "NaN"),
        ("PORTFOLIO_BENCHMARK", "BTC-EUR"),
        ("PORTFOLIO_BENCHMARK", "USD"),
        ("PORTFOLIO_DASK_SCHEDULER", "tcp://10.0.0.7:8786"),
        ("PORTFOLIO_DASK_SCHEDULER", "tls://scheduler"),
        ("PORTFOLIO_DASK_SCHEDULER", "tls://:8786"),
        ("PORTFOLIO_DASK_SCHEDULER", "inproc://127.0.0.1:8786"),
        ("PORTFOLIO_DASK_SCHEDULER", "tls://[::1"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not_told(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({name: value}, env_file=tmp_path / "none")
    assert str(refused.value).split()[0].rstrip(":") == name
    assert value not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PORTFOLIO_PORT", "abc", "takes a whole number from 0 to 65535"),
        ("PORTFOLIO_PORT", "1e400", "takes a whole number from 0 to 65535"),
        *(
            ("PORTFOLIO_PORT", text, "takes a whole number from 0 to 65535")
            for text in ("1e-400", "-0", "-0.0", "0.99999999999999999999", "65535.00000000000000000001", "1_000")
        ),
        ("PORTFOLIO_INITIAL_CASH", "1e20", "has to be a number from 0 to below 1e20, of at most 18 decimals"),
        ("PORTFOLIO_STREAMS", "0", "takes a whole number from 1 to 1000000000"),
        ("PORTFOLIO_REFRESH_SECONDS", "0", "takes a number from 0.01 to 2678400"),
        ("PORTFOLIO_REQUEST_DEADLINE_SECONDS", "0.99", "takes a number from 1 to 2678400"),
        ("PORTFOLIO_ALLOW_OPEN", "perhaps", "takes true or false"),
        ("PORTFOLIO_PRICE_FEED", "kraken", "takes exchanges or simulated"),
        ("PORTFOLIO_INITIAL_CASH", "1,000", "takes a number"),
        *(
            ("PORTFOLIO_PRICES_SCHEMA", name, "takes at most 64 letters, digits, '_', '-' and '$'")
            for name in ("a`b", "a.b", "a b", "a'b", "a" * 65, "\N{DESERET SMALL LETTER LONG I}")
        ),
    ],
)
def test_a_wrong_setting_is_answered_with_what_it_takes(name: str, value: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({name: value}, env_file=tmp_path / "none")
    assert str(refused.value) == f"{name} {words}"


@pytest.mark.parametrize("text", ["1000", "1000.0", "1e3", "1e+03", " 1000 "])
def test_a_whole_number_may_be_written_as_programs_write_doubles(text: str, tmp_path: Path) -> None:
    assert read_settings({"PORTFOLIO_STREAMS": text}, env_file=tmp_path / "none").streams == 1000


def test_a_list_may_be_written_in_several_lines(tmp_path: Path) -> None:
    hosts = read_settings({"PORTFOLIO_DATABASE_HOSTS": "one,\n\ttwo:3307,\n"}, env_file=tmp_path / "none").further_hosts
    assert hosts == ("one", "two:3307")


@pytest.mark.parametrize("blank", ["", " ", "\t \n"])
def test_a_blank_setting_is_none(blank: str, tmp_path: Path) -> None:
    names = [f"PORTFOLIO_{name.upper()}" for name in Settings.__struct_fields__]
    assert read_settings(dict.fromkeys(names, blank), env_file=tmp_path / "none") == Settings()
    file = tmp_path / ".env"
    file.write_text("PORTFOLIO_PORT=9000\n")
    file.chmod(0o600)
    assert read_settings({"PORTFOLIO_PORT": blank}, env_file=file).port == 9000


# As Kubernetes 1.31 sets them for Services named portfolio, portfolio-db and portfolio-metrics-udp.
SERVICES = {
    "PORTFOLIO_SERVICE_HOST": "10.96.0.12",
    "PORTFOLIO_SERVICE_PORT": "8026",
    "PORTFOLIO_SERVICE_PORT_HTTP_METRICS": "8026",
    "PORTFOLIO_PORT": "tcp://10.96.0.12:8026",
    "PORTFOLIO_PORT_8026_TCP": "tcp://10.96.0.12:8026",
    "PORTFOLIO_PORT_8026_TCP_PROTO": "tcp",
    "PORTFOLIO_PORT_8026_TCP_PORT": "8026",
    "PORTFOLIO_PORT_8026_TCP_ADDR": "10.96.0.12",
    "PORTFOLIO_DB_SERVICE_HOST": "fd00::12",
    "PORTFOLIO_DB_SERVICE_PORT_MYSQL": "3306",
    "PORTFOLIO_DB_PORT": "tcp://[fd00::12]:3306",
    "PORTFOLIO_DB_PORT_3306_TCP_ADDR": "fd00::12",
    "PORTFOLIO_METRICS_UDP_PORT": "udp://10.96.0.13:9125",
    "PORTFOLIO_METRICS_UDP_PORT_9125_UDP": "udp://10.96.0.13:9125",
}


def test_what_kubernetes_sets_for_a_service_named_portfolio_is_no_setting(tmp_path: Path) -> None:
    assert read_settings(SERVICES, env_file=tmp_path / "none").port == 8026


def test_the_port_of_the_file_holds_beside_the_one_that_kubernetes_sets(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("PORTFOLIO_PORT=9000\n")
    assert read_settings(SERVICES, env_file=file).port == 9000


@pytest.mark.parametrize(
    "name",
    [
        "PORTFOLIO_PORTS",
        "PORTFOLIO_SERVICE",
        "PORTFOLIO_PORT_TCP",
        "PORTFOLIO_HOSTS",
        "PORTFOLIO_DB_PORT",
        "PORTFOLIO_port",
    ],
)
def test_a_name_that_nobody_sets_but_a_person_is_still_refused(name: str, tmp_path: Path) -> None:
    for value in ("8026", "\x01"):
        with pytest.raises(SettingsError, match=f"unknown settings: {name}"):
            read_settings({name: value}, env_file=tmp_path / "none")


def test_a_byte_order_mark_before_the_first_name_of_the_file_is_no_part_of_it(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"\xef\xbb\xbfPORTFOLIO_PORT=9000\r\n")
    assert read_settings({}, env_file=file).port == 9000


@pytest.mark.parametrize("name", ["crypto_prices", "Prices-2$", "précios", "価格"])
def test_a_database_has_a_name_that_mysql_takes(name: str, tmp_path: Path) -> None:
    assert read_settings({"PORTFOLIO_PRICES_SCHEMA": name}, env_file=tmp_path / "none").prices_schema == name


def test_a_fault_of_a_file_without_words_is_named_by_its_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def odd(*_: Any, **__: Any) -> Any:
        raise BlockingIOError

    file = tmp_path / ".env"
    file.write_text("PORTFOLIO_PORT=9000\n")
    file.chmod(0o600)
    monkeypatch.setattr(Path, "read_text", odd)
    with pytest.raises(SettingsError, match=r"KEYS cannot be read: BlockingIOError$"):
        read_secret_file("KEYS", str(file))
    monkeypatch.setattr(Path, "stat", odd)
    with pytest.raises(SettingsError, match=r"\.env cannot be read: BlockingIOError$"):
        read_settings({}, env_file=file)


def test_a_file_of_settings_that_is_no_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"PORTFOLIO_PORT=\xff\n")
    with pytest.raises(SettingsError, match=r"\.env cannot be read"):
        read_settings({}, env_file=file)
