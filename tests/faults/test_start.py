"""What the process is given to work with is looked at when it starts: limits, files, descriptors, environment."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.faults.feeds.priced_service import until
from tests.support.database.databases import DatabaseUnderTest
from tests.support.services.service import ServiceByCommand, ServiceProcess, free_port

SECRET = "s" * 24
KEYS = f"PORTFOLIO_API_KEYS=engine:read+trade:{SECRET}\n"


class ShellService(ServiceByCommand):
    """The service started by a shell, which sets limits before, or closes descriptors."""

    before = ""
    redirected = ""

    @property
    def serve_command(self) -> list[str | Path]:
        return ["bash", "-c", f'{self.before} exec "$0" "$@" {self.redirected}', self.program, "serve"]


@pytest.fixture
def service(sqlite_database: DatabaseUnderTest, tmp_path: Path) -> Iterator[ShellService]:
    made = ShellService(sqlite_database, tmp_path)
    made.migrate()
    yield made
    if made._process is not None and made._process.poll() is None:
        made.stop()


def refused(service: ServiceProcess, shell: str, *, command: str = "serve", **environment: str) -> str:
    """Run a command below a shell and return the one line by which it was refused."""
    done = subprocess.run(
        ["bash", "-c", f'{shell} exec "$0" "$1"', service.program, command],
        env={**service.environment, **environment},
        cwd=service.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = done.stderr.removesuffix("\n").split("\n")
    assert done.returncode == 3, (done.returncode, done.stdout, done.stderr)
    assert said[-1].startswith("portfolio: ")
    assert "Traceback" not in done.stdout + done.stderr
    return said[-1]


def test_too_few_open_files_refuse_the_start_and_it_says_how_many_are_needed(service: ShellService) -> None:
    said = refused(service, "ulimit -n 64;")
    assert "at least 250 open files are needed, and 64 are allowed (ulimit -n)" in said
    said = refused(service, "ulimit -n 600;", PORTFOLIO_DATABASE_POOL_SIZE="500")
    assert "at least 740 open files are needed, and 600 are allowed" in said


def test_a_soft_limit_of_open_files_is_raised_as_far_as_it_may_be(service: ShellService) -> None:
    service.before = "ulimit -Sn 64; ulimit -Hn 4096;"
    service.start()
    limits = Path("/proc", str(service.process.pid), "limits").read_text()
    assert "Max open files            2200                 4096" in limits


@pytest.mark.parametrize("limit", ["-v 60000", "-v 400000", "-d 100000"])
@pytest.mark.parametrize("command", ["serve", "verify"])
def test_too_little_memory_refuses_the_start(service: ShellService, limit: str, command: str) -> None:
    assert "at least 512 MiB of memory are needed" in refused(service, f"ulimit {limit};", command=command)


def test_a_database_in_a_folder_that_is_not_there_or_not_writable_is_told(service: ShellService) -> None:
    url = f"sqlite+aiosqlite:///{service.folder}/none/portfolio.db"
    assert "unable to open database file" in refused(service, "", command="migrate", PORTFOLIO_DATABASE_URL=url)
    assert "misses its file" in refused(service, "", command="verify", PORTFOLIO_DATABASE_URL=url)


@pytest.mark.parametrize("command", ["serve", "verify", "reconcile", "backfill", "lots"])
def test_where_there_is_no_database_none_is_made_and_the_file_is_named(service: ShellService, command: str) -> None:
    nowhere = service.folder / "nowhere.db"
    said = refused(service, "", command=command, PORTFOLIO_DATABASE_URL=f"sqlite+aiosqlite:///{nowhere}")
    assert f"the database misses its file {nowhere}" in said
    assert said.endswith("run `portfolio migrate`")
    assert not list(service.folder.glob("nowhere*"))


@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&-", "<&- >&- 2>&-"])
def test_it_serves_with_its_descriptors_closed_and_no_file_takes_their_place(
    service: ShellService, closed: str
) -> None:
    service.redirected = closed
    service.start()
    links = Path("/proc", str(service.process.pid), "fd")
    for descriptor in (0, 1, 2):
        target = os.readlink(links / str(descriptor))
        assert target == "/dev/null" or target.endswith("out.log"), target
    assert service.stop() == 0


@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_a_command_with_its_descriptors_closed_ends_with_what_it_found(service: ShellService, closed: str) -> None:
    service.migrate_by_command()
    command = f"{shlex.quote(str(service.program))} verify {closed}"
    done = subprocess.run(["bash", "-c", command], env=service.environment, cwd=service.folder, check=False, timeout=60)
    assert done.returncode == 0


@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("words", ["import rows.csv --dry-run", "export trades -o -", "lots", "imports list"])
def test_no_command_takes_a_closed_descriptor_for_a_fault_of_the_program(
    service: ShellService, words: str, closed: str
) -> None:
    service.migrate_by_command()
    (service.folder / "rows.csv").write_text("date,type,symbol,quantity,unit_price,currency,fee,amount\n")
    command = f"{shlex.quote(str(service.program))} {words} {closed}"
    done = subprocess.run(["bash", "-c", command], env=service.environment, cwd=service.folder, check=False, timeout=60)
    assert done.returncode == 0


@pytest.mark.parametrize(
    "words", ["lots", "export trades -o -", "verify", "--help", "backtest --help", "migrate --sql"]
)
def test_a_result_that_nobody_reads_to_its_end_is_no_success_and_no_drift(service: ShellService, words: str) -> None:
    service.migrate_by_command()
    rows = [
        "date,type,symbol,quantity,unit_price,currency,fee,amount",
        "2024-01-02T00:00:00Z,BUY,BTC,1,40000,USD,0,40000",
    ]
    (service.folder / "rows.csv").write_text("\n".join(rows))
    assert service.command("import", "rows.csv").returncode == 0
    program = shlex.quote(str(service.program))
    script = f"set -o pipefail; ({program} {words}; echo status $? >&2) | true"
    done = subprocess.run(
        ["bash", "-c", script],
        env=service.environment,
        cwd=service.folder,
        check=False,
        timeout=60,
        capture_output=True,
        text=True,
    )
    said = done.stderr.splitlines()
    assert said[-2:] == ["portfolio: the result was not read to its end", "status 3"]
    assert len(said) <= 4, done.stderr


def test_ctrl_c_while_the_program_is_still_imported_is_an_interruption_and_no_traceback(service: ShellService) -> None:
    (service.folder / "click.py").write_text("raise KeyboardInterrupt")
    done = subprocess.run(
        [service.program, "verify"],
        env={**service.environment, "PYTHONPATH": str(service.folder)},
        check=False,
        timeout=60,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "portfolio: interrupted\n")


def test_a_result_that_cannot_be_printed_is_no_success_and_no_drift(service: ShellService) -> None:
    service.migrate_by_command()
    assert "No space left on device" in refused(service, "exec >/dev/full;", command="verify")


@pytest.mark.parametrize(
    "environment",
    [
        {"https_proxy": "socks5://127.0.0.1:1080"},
        {"ALL_PROXY": "socks5h://proxy:1080"},
        {"HTTPS_PROXY": "http://"},
        {"HTTPS_PROXY": "proxy:99999"},
        {"HTTPS_PROXY": "proxy:3128", "NO_PROXY": "http://intern.example"},
        {"HTTPS_PROXY": "proxy:3128", "NO_PROXY": "intern.example other.example"},
        {"SSL_CERT_FILE": "/nowhere/ca.pem"},
        {"SSL_CERT_FILE": "/etc/passwd"},
        {"SSL_CERT_DIR": "/nowhere"},
        {"SSL_CERT_DIR": "/proc/self"},
        {"SSLKEYLOGFILE": "/nowhere/secrets"},
        {"PROMETHEUS_MULTIPROC_DIR": "/nowhere"},
    ],
    ids=lambda environment: "-".join(f"{name}={value}" for name, value in environment.items()),
)
def test_what_libraries_read_of_the_environment_is_named_at_the_start_where_it_cannot_be_used(
    service: ShellService, environment: dict[str, str]
) -> None:
    named = list(environment)[-1].upper()
    assert named in refused(service, "", PORTFOLIO_PRICE_FEED="exchanges", **environment)


@pytest.mark.parametrize(
    "environment",
    [
        {"HTTPS_PROXY": "127.0.0.1:3128", "NO_PROXY": "*.intern.example,10.0.0.0/8,::1,localhost:80"},
        {"NO_PROXY": "no proxy, no matter"},
        {"WEB_CONCURRENCY": "4"},
        {"WEB_CONCURRENCY": "many", "FORWARDED_ALLOW_IPS": "*"},
        {"LITESTAR_DEBUG": "1", "LITESTAR_PDB": "1"},
    ],
    ids="-".join,
)
def test_it_starts_where_the_environment_can_be_used_or_is_nothing_to_it(
    service: ShellService, environment: dict[str, str]
) -> None:
    service.environment |= {**environment, "PORTFOLIO_PRICE_FEED": "exchanges"}
    service.start()
    assert service.stop() == 0


def test_signals_that_mean_nothing_here_do_not_kill(service: ShellService) -> None:
    service.start()
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        service.process.send_signal(number)
    until(lambda: service.log().count("signal.ignored") == 2, what="signal.ignored")
    assert httpx.get(f"{service.url}/health/live").status_code == 200
    assert service.stop() == 0


def test_a_signal_while_it_starts_does_not_kill_either(service: ShellService) -> None:
    # A child of the shell sends them on and on, from when the program says that it does not mind.
    service.before = (
        "(until grep -q '^SigIgn.*a0[13579bdf]$' /proc/$$/status; do [ -d /proc/$$ ] || exit; sleep 0.002; done;"
        " while kill -USR1 $$ && kill -HUP $$ && kill -USR2 $$; do sleep 0.01; done) 2>/dev/null & "
    )
    service.start()
    until(lambda: "signal.ignored" in service.log(), what="signal.ignored")
    assert service.stop() == 0


def env_file(folder: Path, mode: int = 0o600) -> Path:
    file = folder / ".env"
    file.write_text(KEYS)
    file.chmod(mode)
    return file


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
@pytest.mark.parametrize("command", ["serve", "verify"])
def test_settings_that_others_may_write_are_refused(service: ShellService, mode: int, command: str) -> None:
    env_file(service.folder, mode)
    assert "the file .env: others than its owner may write that file" in refused(service, "", command=command)


def test_settings_in_a_folder_that_others_may_write_are_refused(service: ShellService) -> None:
    env_file(service.folder)
    service.folder.chmod(0o777)
    assert "the file .env: others may replace that file" in refused(service, "")


def test_settings_behind_a_link_are_held_to_the_same(service: ShellService, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    target = env_file(elsewhere, 0o666)
    link = service.folder / ".env"
    link.symlink_to(target)
    assert "others than its owner may write that file" in refused(service, "")
    target.chmod(0o600)
    elsewhere.chmod(0o777)
    assert "others may replace that file" in refused(service, "")
    target.unlink()
    assert "cannot be read: No such file or directory" in refused(service, "")


def test_settings_that_only_their_owner_may_write_are_taken_also_where_only_owners_may_remove(
    service: ShellService,
) -> None:
    env_file(service.folder, 0o644)
    service.folder.chmod(0o1777)
    service.start()
    assert httpx.get(f"{service.url}/positions").status_code == 401
    assert httpx.get(f"{service.url}/positions", headers={"X-TRADING-API-KEY": SECRET}).status_code == 200
    assert "secrets.readable_by_all" in service.log_file.read_text()


@pytest.mark.parametrize("name", ["API_KEYS_FILE", "DATABASE_TLS_KEY", "DATABASE_TLS_CERT", "DATABASE_TLS_CA"])
@pytest.mark.parametrize("place", ["file", "folder"])
def test_files_that_settings_name_are_held_to_the_same(service: ShellService, name: str, place: str) -> None:
    folder = service.folder / "secrets"
    folder.mkdir()
    file = folder / "file"
    file.write_text("anything\n")
    file.chmod(0o666 if place == "file" else 0o600)
    folder.chmod(0o777 if place == "folder" else 0o700)
    given = {f"PORTFOLIO_{name}": str(file)}
    if name.startswith("DATABASE"):
        given |= {"PORTFOLIO_DATABASE_URL": f"mysql+aiomysql://u:p@127.0.0.1:{free_port()}/x"}
        given |= {"PORTFOLIO_DATABASE_TLS_CERT": str(file)} if name.endswith("KEY") else {}
    assert "others" in refused(service, "", **given)


def test_trusted_proxies_without_a_key_are_refused(service: ShellService) -> None:
    said = refused(service, "", PORTFOLIO_TRUSTED_PROXIES="127.0.0.1")
    assert "PORTFOLIO_TRUSTED_PROXIES without an API key" in said


@pytest.mark.parametrize("name", ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP"])
def test_without_keys_what_a_proxy_has_forwarded_is_foreign(service: ShellService, name: str) -> None:
    service.start()
    body = {"symbol": "BTC", "side": "BUY", "quantity": 1, "price": 1, "net_amount": 1}
    answer = httpx.post(f"{service.url}/holdings/update", json=body, headers={name: "203.0.113.7"})
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (403, "foreign-origin")
    assert service.get("/portfolio")["portfolio"]["positions"] == []


@pytest.mark.parametrize("setting", ["REFRESH_SECONDS", "REQUEST_DEADLINE_SECONDS", "INITIAL_CASH", "RISK_FREE_RATE"])
@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1e300", "sNaN"])
def test_a_number_that_is_none_or_out_of_all_range_is_named(service: ShellService, setting: str, value: str) -> None:
    assert f"PORTFOLIO_{setting}" in refused(service, "", command="verify", **{f"PORTFOLIO_{setting}": value})
