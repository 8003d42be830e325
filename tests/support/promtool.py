"""Prometheus's own program that checks configurations and rules."""

import shutil
from pathlib import Path

from tests.support.packages import PackageMissing, unpack_package

PROGRAM, PACKAGE = "promtool", "prometheus"
ADVICE = (
    "The alert rules are checked by Prometheus's promtool, which is missing. Debian and Ubuntu: apt-get install"
    " --no-install-recommends prometheus (the server that this starts may be stopped); Fedora: dnf install"
    " golang-github-prometheus; macOS: brew install prometheus."
)


def find_or_fetch_promtool(folder: Path) -> str:
    """Where it is; where it is missing, the package is fetched into ``folder`` and not installed.

    Raises:
        PackageMissing: it cannot be had; says what to install.
    """
    found = shutil.which(PROGRAM)
    if found is not None:
        return found
    try:
        return str(unpack_package(PACKAGE, folder) / PROGRAM)
    except PackageMissing as error:
        message = f"{ADVICE}\n{error}"
        raise PackageMissing(message) from error
