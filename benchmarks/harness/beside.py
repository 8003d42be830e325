"""Another version of the service, installed by itself, to be measured in the same run."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def program_of(version: str) -> Iterator[Path]:
    """Yield the ``portfolio`` of a checkout or, where there is no such folder, of a revision of this repository.

    A checkout that is installed is taken as it is. A revision is checked out and installed in a temporary folder, which
    takes a minute and needs the package index.
    """
    if Path(version).is_dir():
        yield _installed(Path(version).resolve())
        return
    with tempfile.TemporaryDirectory(prefix="portfolio-beside-") as folder:
        checkout = Path(folder, "checkout")
        _run("git", "-C", str(ROOT), "worktree", "add", "--detach", str(checkout), version)
        try:
            yield _installed(checkout)
        finally:
            _run("git", "-C", str(ROOT), "worktree", "remove", "--force", str(checkout))


def _installed(checkout: Path) -> Path:
    program = checkout / ".venv" / "bin" / "portfolio"
    if not program.exists():
        _run("make", "-C", str(checkout), "install")
    return program


def _run(*command: str) -> None:
    # What make tells the programs that it starts is not meant for another make.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    subprocess.run(command, check=True, env=environment)
