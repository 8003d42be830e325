"""Finds MariaDB's programs on this machine, and installs them where that is possible."""

import os
import shutil
from dataclasses import dataclass

from tests.support.database.database_server import DatabaseServerError
from tests.support.packages import install_packages

# Where the server is kept out of the PATH of ordinary users.
FURTHER_FOLDERS = (
    "/usr/sbin",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/opt/homebrew/bin",
    "/usr/libexec",
)
# The programs without the service that would start by itself; the second with the names of older Ubuntus.
PACKAGES = (
    ("mariadb-server-core", "mariadb-client-core"),
    ("mariadb-server-core-10.6", "mariadb-client-core-10.6"),
)
ADVICE = (
    "The tests need a MySQL-family server of their own: either a Docker engine that answers,"
    " or the programs mariadbd, mariadb-install-db and my_print_defaults."
    " Debian and Ubuntu: apt-get install --no-install-recommends mariadb-server-core mariadb-client-core;"
    " Fedora: dnf install mariadb-server; macOS: brew install mariadb (no server has to be started)."
)


@dataclass(frozen=True, slots=True)
class MariaDbPrograms:
    """Where the programs are."""

    mariadbd: str
    install_db: str


def find_programs() -> MariaDbPrograms | None:
    """The programs if all that are needed are here, else None."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *FURTHER_FOLDERS])
    mariadbd = shutil.which("mariadbd", path=path)
    install_db = shutil.which("mariadb-install-db", path=path)
    if mariadbd is None or install_db is None or shutil.which("my_print_defaults", path=path) is None:
        return None
    return MariaDbPrograms(mariadbd, install_db)


def find_or_install_programs() -> MariaDbPrograms:
    """The programs, installed by apt-get if they were missing and we may.

    Raises:
        DatabaseServerError: they are missing and cannot be installed; says what to install.
    """
    programs = find_programs()
    if programs is not None:
        return programs
    failure = install_packages(*PACKAGES)
    programs = find_programs()
    if programs is None:
        message = f"{ADVICE}\n{failure}"
        raise DatabaseServerError(message)
    return programs
