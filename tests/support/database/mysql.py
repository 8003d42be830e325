"""A private MySQL server of the program that ``TEST_MYSQLD`` names, for a machine without Docker."""

import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from tests.support.database.database_server import DatabaseServerError
from tests.support.database.mariadb import MariaDbServer
from tests.support.database.mariadb_programs import MariaDbPrograms

PROGRAM_VARIABLE = "TEST_MYSQLD"
SERVER_OPTIONS = (
    "--bind-address=127.0.0.1",
    "--auto-generate-certs=OFF",  # as MariaDB without certificates: what is sent can be read
    "--mysqlx=OFF",
    "--secure-file-priv=NULL",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--character-set-server=utf8mb4",
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-buffer-pool-size=64M",
    "--max-connections=500",
)


@dataclass(kw_only=True)
class MySqlServer(MariaDbServer):
    """A `mysqld` of the tests' own; what MariaDB and MySQL call alike is inherited."""

    server_options: ClassVar[tuple[str, ...]] = SERVER_OPTIONS

    @classmethod
    def of_program(cls, program: str, *, owner_pid: int, options: tuple[str, ...] = ()) -> Self:
        """A new server of this program, with its further words as options, that answers."""
        mysqld, *words = shlex.split(program)
        return cls.launch(MariaDbPrograms(mysqld, mysqld), owner_pid=owner_pid, options=(*words, *options))

    def _initialise(self, programs: MariaDbPrograms) -> None:
        Path(self.directory, "init.sql").write_text(
            f"CREATE USER IF NOT EXISTS '{self.admin_user}'@'%' IDENTIFIED BY '{self.admin_password}';\n"
            f"GRANT ALL PRIVILEGES ON *.* TO '{self.admin_user}'@'%' WITH GRANT OPTION;\n",
        )
        command = [self.mariadbd, *self._directory_options(), *SERVER_OPTIONS, *self.options, "--initialize-insecure"]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300
        )
        if done.returncode != 0:
            output = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
            message = f"mysqld --initialize failed with status {done.returncode}:\n{output}"
            raise DatabaseServerError(message)


def named_program() -> str | None:
    """The program that the environment names; None where it names none."""
    return os.environ.get(PROGRAM_VARIABLE) or None
