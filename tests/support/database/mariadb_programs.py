"""Finds MariaDB's programs on this machine, and installs them where that is possible."""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass

from tests.support.database.database_server import DatabaseServerError

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


def install_packages(*choices: tuple[str, ...]) -> str:
    """Why none of the choices, each some packages, was installed; empty if one was."""
    if shutil.which("apt-get") is None:
        return "They are missing, and there is no apt-get to install them with."
    become_root = _become_root()
    if become_root is None:
        return "They are missing, and installing them needs root or a sudo that asks for no password."
    failure = _apt_get(become_root, "update")
    for _ in range(60):
        if "Could not get lock" not in failure:
            break
        time.sleep(5)  # apt-get waits for the lock of the packages by itself, but not for that of their lists
        failure = _apt_get(become_root, "update")
    for packages in choices:
        failure = _apt_get(become_root, "install", "--yes", "--no-install-recommends", *packages)
        if not failure:
            return ""
    return failure


def _become_root() -> list[str] | None:
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    asks = subprocess.run(["sudo", "--non-interactive", "true"], capture_output=True, check=False, timeout=30)
    return ["sudo", "--non-interactive"] if asks.returncode == 0 else None


def _apt_get(become_root: list[str], *arguments: str) -> str:
    """What apt-get said if it failed; empty if it did not. Another apt-get at work is waited for."""
    command = [*become_root, "env", "DEBIAN_FRONTEND=noninteractive"]
    command += ["apt-get", "--quiet", "-o", "DPkg::Lock::Timeout=300", *arguments]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=900)
    if result.returncode == 0:
        return ""
    output = "\n".join((result.stdout + result.stderr).splitlines()[-10:])
    return f"apt-get {' '.join(arguments)} failed:\n{output}"
