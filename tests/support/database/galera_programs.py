"""Finds what a Galera cluster needs beside MariaDB's programs, and fetches it where that is possible.

The package mariadb-server brings the scripts of the state transfer, and a database server that starts by itself. So it
is not installed: where it is missing its package is fetched and unpacked into a folder of the tests.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.support.database.database_server import DatabaseServerError
from tests.support.database.mariadb_programs import MariaDbPrograms, find_or_install_programs
from tests.support.packages import PackageMissing, install_packages, unpack_package

LIBRARIES = (
    "/usr/lib/galera/libgalera_smm.so",
    "/usr/lib64/galera-4/libgalera_smm.so",
    "/usr/lib64/galera/libgalera_smm.so",
)
TRANSFER = "wsrep_sst_rsync"
TRANSFER_PACKAGE = "mariadb-server"
# What the script of the transfer calls.
TOOLS = ("rsync", "ss", "lsof", "ps")
PACKAGES = ("galera-4", "rsync", "iproute2", "lsof", "procps")
ADVICE = (
    "The Galera tests need the packages galera-4, mariadb-server, rsync, iproute2, lsof and procps."
    " Debian and Ubuntu: apt-get install --no-install-recommends galera-4 mariadb-server rsync iproute2 lsof procps"
    " (the server that this starts may be stopped: the tests start their own)."
)


@dataclass(frozen=True, slots=True)
class GaleraPrograms:
    """Where the programs are."""

    mariadb: MariaDbPrograms
    library: str
    path: str
    """The PATH of a node: with the scripts of the state transfer."""


def find_or_install_galera(folder: Path) -> GaleraPrograms:
    """The programs, installed by apt-get if they were missing and we may; scripts are unpacked below ``folder``.

    Raises:
        DatabaseServerError: they are missing and cannot be had; says what to install.
    """
    mariadb = find_or_install_programs()
    failure = "" if _library() and not _missing_tools() else install_packages(PACKAGES)
    library = _library()
    if library is None or _missing_tools():
        message = f"{ADVICE}\nMissing: {', '.join([*_missing_tools(), *([] if library else ['galera-4'])])}\n{failure}"
        raise DatabaseServerError(message)
    path = os.environ.get("PATH", os.defpath)
    if shutil.which(TRANSFER, path=path) is None:
        path = os.pathsep.join([_unpacked(folder), path])
    return GaleraPrograms(mariadb, library, path)


def _library() -> str | None:
    return next((name for name in LIBRARIES if Path(name).exists()), None)


def _missing_tools() -> list[str]:
    return [tool for tool in TOOLS if shutil.which(tool) is None]


def _unpacked(folder: Path) -> str:
    """The folder with the scripts, out of a package that is fetched and not installed."""
    try:
        scripts = unpack_package(TRANSFER_PACKAGE, folder)
    except PackageMissing as error:
        message = f"{ADVICE}\n{error}"
        raise DatabaseServerError(message) from error
    if not (scripts / TRANSFER).exists():
        message = f"{ADVICE}\nThe package {TRANSFER_PACKAGE} has no {TRANSFER}."
        raise DatabaseServerError(message)
    return str(scripts)
