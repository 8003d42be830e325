"""Programs that examples and rules are tried with: installed ones, else those of a package, of which nothing starts."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.packages import PackageMissing, unpack_package

_SYSTEM_FOLDERS: Final = ("/usr/sbin", "/usr/local/sbin")


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program, what it is for, and the package that has it: of Debian and Ubuntu in ``folder`` below ``usr``."""

    name: str
    package: str
    folder: str
    purpose: str
    fedora: str
    macos: str

    def find_or_fetch(self, folder: Path) -> str:
        """Where it is; where it is missing, the package is fetched into ``folder`` and not installed.

        Raises:
            PackageMissing: it cannot be had; says what to install.
        """
        found = shutil.which(self.name, path=os.pathsep.join((os.environ.get("PATH", ""), *_SYSTEM_FOLDERS)))
        if found is not None:
            return found
        try:
            return str(unpack_package(self.package, folder).with_name(self.folder) / self.name)
        except PackageMissing as error:
            message = (
                f"{self.purpose}, which is missing. Debian and Ubuntu: apt-get install --no-install-recommends"
                f" {self.package} (the server that this starts may be stopped); Fedora: dnf install {self.fedora};"
                f" macOS: brew install {self.macos}.\n{error}"
            )
            raise PackageMissing(message) from error


PROMTOOL: Final = Program(
    name="promtool",
    package="prometheus",
    folder="bin",
    purpose="The alert rules are checked by Prometheus's promtool",
    fedora="golang-github-prometheus",
    macos="prometheus",
)
NGINX: Final = Program(
    name="nginx",
    package="nginx",
    folder="sbin",
    purpose="The example of a proxy is tried with nginx",
    fedora="nginx",
    macos="nginx",
)
