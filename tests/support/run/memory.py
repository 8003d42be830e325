"""The files of a test run are kept in memory, where the machine has enough of it.

A database writes through to the disk at every commit, and a server many times for each table that it makes: tests would
wait for the disk for a fifth of their time. Whoever is killed loses nothing there either; only a power cut is another
matter, and no test can cause one.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

import psutil
import pytest

MEMORY: Final = Path("/dev/shm")  # noqa: S108  the file system that Linux keeps in memory
LEAST_FREE_BYTES: Final = 4 * 1024**3


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """Have this process, and those that it starts, make their temporary files in memory; on the disk as ever where
    there is little of it, where the system has no such folder, and where TMPDIR says where.
    """
    if "TMPDIR" in os.environ or not MEMORY.is_dir():
        return
    if min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available) < LEAST_FREE_BYTES:
        return
    folder = MEMORY / f"portfolio-tests-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.lstat().st_uid != os.getuid():
        return
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None  # it may have been looked up before
