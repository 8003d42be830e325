"""One database server a test run: started when first asked for, shared by all workers, then removed."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from tests.support.database.database_server import DatabaseServer, DatabaseServerError
from tests.support.database.mariadb import MariaDbServer
from tests.support.database.mariadb_programs import find_or_install_programs
from tests.support.database.mysql import MySqlServer, named_program
from tests.support.database.mysql_container import ContainerServer, docker_answers

AnyServer = MariaDbServer | MySqlServer | ContainerServer
KINDS: dict[str, type[AnyServer]] = {"mysql": MySqlServer, "mariadb": MariaDbServer, "container": ContainerServer}


def launch_server(*, owner_pid: int, options: tuple[str, ...] = ()) -> AnyServer:
    """A new server that ends with its owner: the program named by TEST_MYSQLD, else in a container where
    Docker answers, else MariaDB.

    Raises:
        DatabaseServerError: neither can be had; says what to install.
    """
    program = named_program()
    if program is not None:
        return MySqlServer.of_program(program, owner_pid=owner_pid, options=options)
    if docker_answers():
        return ContainerServer.launch(owner_pid=owner_pid, options=options)
    return MariaDbServer.launch(find_or_install_programs(), owner_pid=owner_pid, options=options)


@contextmanager
def own_server(options: tuple[str, ...] = ()) -> Iterator[DatabaseServer]:
    """A server that nobody else asks, while this is entered: to be stopped, killed, paused and started at will."""
    server = launch_server(owner_pid=os.getpid(), options=options)
    try:
        yield server
    finally:
        server.destroy()


@dataclass(frozen=True, slots=True)
class DatabaseRun:
    """What the processes of a test run have in common: a folder, and the one that outlives the others."""

    folder: str
    owner_pid: int

    @classmethod
    def begin(cls, owner_pid: int) -> "DatabaseRun":
        """A run without a server: none is started until a test asks."""
        return cls(tempfile.mkdtemp(prefix="portfolio-tests-"), owner_pid)

    def server(self) -> DatabaseServer:
        """The run's server, started if this is the first to ask.

        Raises:
            DatabaseServerError: it cannot be brought up; once that is known, all who ask are told at once.
        """
        with FileLock(Path(self.folder, "lock")):
            known = self._known()
            if known is not None:
                return known
            failed = Path(self.folder, "failed")
            if failed.exists():
                raise DatabaseServerError(failed.read_text())
            try:
                server = launch_server(owner_pid=self.owner_pid)
            except Exception as error:
                failed.write_text(str(error))
                raise
            kind = next(name for name, cls in KINDS.items() if type(server) is cls)
            self._state.write_text(json.dumps({"kind": kind, **asdict(server)}))
            return server

    def end(self) -> None:
        """Remove the server, if one was started, and the folder."""
        with FileLock(Path(self.folder, "lock")):
            server = self._known()
            if server is not None:
                server.destroy()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _state(self) -> Path:
        return Path(self.folder, "server.json")

    def _known(self) -> DatabaseServer | None:
        if not self._state.exists():
            return None
        fields = json.loads(self._state.read_text())
        if "options" in fields:
            fields["options"] = tuple(fields["options"])
        return KINDS[fields.pop("kind")](**fields)
