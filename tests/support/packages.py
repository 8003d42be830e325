"""Programs of Debian's and Ubuntu's packages: installed where that is possible, or only unpacked into a folder."""

import os
import shutil
import subprocess
import time
from pathlib import Path


class PackageMissing(Exception):
    """A package could not be had; says why."""


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


def unpack_package(package: str, folder: Path) -> Path:
    """Return the folder of a package's programs, fetched and unpacked below ``folder``: none of its services starts.

    Raises:
        PackageMissing: it cannot be fetched.
    """
    try:
        _run(["apt-get", "--quiet", "download", package], folder)
    except PackageMissing:
        become_root = _become_root()
        if become_root is None or _apt_get(become_root, "update"):
            raise
        _run(["apt-get", "--quiet", "download", package], folder)
    [archive] = folder.glob(f"{package}_*.deb")
    _run(["dpkg-deb", "--extract", str(archive), "unpacked"], folder)
    return folder / "unpacked" / "usr" / "bin"


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300
        )
    except OSError as error:
        raise PackageMissing(str(error)) from error
    if done.returncode != 0:
        message = f"{' '.join(command)} failed:\n{done.stderr[-500:]}"
        raise PackageMissing(message)
