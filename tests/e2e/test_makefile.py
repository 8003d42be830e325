"""What the Makefile installs is whole, whatever became of an installation before."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# A Python that makes environments of nothing but itself, at once.
PYTHON = """#!/bin/sh
case "$*" in "-m venv "*) for folder; do :; done; mkdir -p "$folder/bin" && cp "$0" "$folder/bin/python" ;; esac
"""
KILLED = "sh -c 'case \"$$*\" in *{}*) kill -9 $$$$ ;; esac' pip"


@pytest.mark.parametrize(("target", "last"), [("install", "--editable"), ("install-dev", "requirements-dev.lock")])
def test_what_an_interrupted_installation_left_is_not_built_on(target: str, last: str, tmp_path: Path) -> None:
    def make(pip: str) -> int:
        command = ["make", target, "PYTHON=./python", f"PIP={pip}"]
        return subprocess.run(command, cwd=tmp_path, check=False, timeout=60).returncode

    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.lock", "requirements-build.lock", "requirements-dev.lock", "pyproject.toml"):
        (tmp_path / name).touch()
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o700)

    assert make(KILLED.format(last)) != 0
    half = tmp_path / ".venv" / "half a package"
    half.touch()
    assert make("true") == 0
    assert not half.exists()
    # What is whole stays.
    half.touch()
    assert make("false") == 0
    assert half.exists()
