"""A private MariaDB server: own directory, own port, nothing shared with one that the machine may have."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar, Self

from tests.support.database.database_server import ADMIN_USER, DatabaseServer, DatabaseServerError, free_port
from tests.support.database.mariadb_programs import MariaDbPrograms
from tests.support.database.watchdog import process_of, watch_from

STOP_TIMEOUT_SECONDS = 60.0
ROOT = "root"

# Durable as in production, small as fits a test machine.
SERVER_OPTIONS = (
    "--skip-networking=0",
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--performance-schema=OFF",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_general_ci",
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=32M",
    "--max-connections=500",
    "--loose-innodb-print-all-deadlocks=ON",
)


@dataclass(kw_only=True)
class MariaDbServer(DatabaseServer):
    """A `mariadbd` of the tests' own, which ends with them even if they are killed."""

    mariadbd: str
    directory: str
    owner_pid: int
    options: tuple[str, ...] = ()
    account: str = ROOT
    """As whom the server runs where root starts it; else it runs as whoever starts it."""
    pid: int | None = None
    server_options: ClassVar[tuple[str, ...]] = SERVER_OPTIONS

    @classmethod
    def launch(cls, programs: MariaDbPrograms, *, owner_pid: int, options: tuple[str, ...] = ()) -> Self:
        """A new server that answers, with an empty directory; `options` come after the usual ones."""
        directory = Path(tempfile.mkdtemp(prefix="portfolio-mariadb-"))
        server = cls(
            host="127.0.0.1",
            port=free_port(),
            admin_user=ADMIN_USER,
            admin_password=secrets.token_hex(16),
            mariadbd=programs.mariadbd,
            directory=str(directory),
            owner_pid=owner_pid,
            options=options,
        )
        try:
            server._initialise(programs)
            server.start()
        except BaseException:
            server.destroy()
            raise
        return server

    @property
    def socket(self) -> str:
        """The path of the unix socket."""
        return str(Path(self.directory, "server.sock"))

    def start(self) -> None:
        """Run, on the same port and data as before, and answer."""
        self._spawn(f"--init-file={self.directory}/init.sql")
        self.wait_until_ready()

    def _spawn(self, *further: str, environment: Mapping[str, str] = os.environ) -> None:
        log = str(Path(self.directory, "server.log"))
        arguments = [
            self.mariadbd,
            *self._directory_options(),
            *self.server_options,
            f"--port={self.port}",
            f"--socket={self.socket}",
            f"--pid-file={self.directory}/server.pid",
            *self.options,
            *further,
        ]
        self.pid = os.posix_spawn(
            self.mariadbd,
            arguments,
            environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setpgroup=0,  # a Ctrl-C for the tests is not for the server: they stop it themselves
        )
        watch_from(self.owner_pid, "process", str(self.pid), self.directory)

    def stop(self) -> None:
        """End in good order, as a DBA would."""
        self._signal(signal.SIGTERM)
        self._wait_for_end()

    def kill(self) -> None:
        """End at once, as a power cut would."""
        self._signal(signal.SIGKILL)
        self._wait_for_end()

    def pause(self) -> None:
        """Keep every connection and accept new ones (the kernel does), and answer nothing.

        Raises:
            DatabaseServerError: it goes on all the same.
        """
        self._signal(signal.SIGSTOP)
        self._wait_until(self._stands_still, "does not stand still")

    def resume(self) -> None:
        """Go on after a pause."""
        self._signal(signal.SIGCONT)

    def destroy(self) -> None:
        """End, in whatever state, and leave nothing behind."""
        if self.pid is not None and self.is_running():
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def diagnosis(self) -> str:
        """The end of the server's log if the server has ended, else nothing."""
        if self.is_running():
            return ""
        log = Path(self.directory, "server.log")
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "\n".join(["mariadbd has ended; its log says:", *lines[-15:]])

    def _directory_options(self) -> tuple[str, ...]:
        return _directory_options(self.directory, self.account)

    def _initialise(self, programs: MariaDbPrograms) -> None:
        """Make the system tables, and a file that makes the administrator at every start.

        The root account that this makes is open to this user of this machine alone, over the socket.
        """
        Path(self.directory, "init.sql").write_text(
            f"CREATE USER IF NOT EXISTS '{self.admin_user}'@'%' IDENTIFIED BY '{self.admin_password}';\n"
            f"GRANT ALL PRIVILEGES ON *.* TO '{self.admin_user}'@'%' WITH GRANT OPTION;\n",
        )
        if self.account == ROOT:
            shutil.copytree(_system_tables(programs), Path(self.directory, "data"))
        else:
            _make_system_tables(programs, self._directory_options())

    def _signal(self, number: signal.Signals) -> None:
        if self.pid is None:
            message = "the server does not run"
            raise DatabaseServerError(message)
        os.kill(self.pid, number)

    def is_running(self) -> bool:
        """Whether the server runs; fetches its exit status if it was this process that started it."""
        if self.pid is None:
            return False
        with suppress(ChildProcessError):
            ended, _status = os.waitpid(self.pid, os.WNOHANG)
            return ended == 0
        return process_of(self.pid) is not None

    def _wait_for_end(self) -> None:
        self._wait_until(lambda: not self.is_running(), "does not end")
        self.pid = None

    def _wait_until(self, condition: Callable[[], bool], complaint: str) -> None:
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                message = f"mariadbd (process {self.pid}) {complaint}"
                raise DatabaseServerError(message)
            time.sleep(0.02)

    def _stands_still(self) -> bool:
        """Whether each thread has stopped, where the system tells: one that has not yet may still answer."""
        try:
            told = [(thread / "stat").read_text() for thread in Path(f"/proc/{self.pid}/task").glob("*")]
        except FileNotFoundError:  # a thread that has ended meanwhile
            return False
        return all(one.rpartition(")")[2].split()[0] == "T" for one in told)


def _directory_options(directory: str, account: str) -> tuple[str, ...]:
    options = ("--no-defaults", f"--datadir={directory}/data", f"--tmpdir={directory}")
    # Root is refused unless it is named.
    return (*options, f"--user={account}") if os.geteuid() == 0 else options


@cache
def _system_tables(programs: MariaDbPrograms) -> Path:
    """The data of a server that has never run. To copy them takes a tenth of the time that it takes to make them."""
    folder = tempfile.mkdtemp(prefix="portfolio-mariadb-new-")
    watch_from(os.getpid(), "process", str(os.getpid()), folder)  # it is removed when this process has ended
    _make_system_tables(programs, _directory_options(folder, ROOT))
    return Path(folder, "data")


def _make_system_tables(programs: MariaDbPrograms, directory_options: tuple[str, ...]) -> None:
    command = [
        programs.install_db,
        *directory_options,
        "--auth-root-authentication-method=socket",
        "--skip-test-db",
        "--skip-name-resolve",
        "--innodb-log-file-size=32M",
    ]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300)
    if result.returncode != 0:
        output = "\n".join((result.stdout + result.stderr).splitlines()[-15:])
        message = f"mariadb-install-db failed with status {result.returncode}:\n{output}"
        raise DatabaseServerError(message)
