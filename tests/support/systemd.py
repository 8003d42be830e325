"""systemd's own program that checks units; no systemd has to run."""

import shutil

from tests.support.packages import PackageMissing, install_packages

PROGRAM, PACKAGE = "systemd-analyze", "systemd"
ADVICE = (
    "The units are checked by systemd-analyze, which is missing. Debian, Ubuntu and Fedora have it in the package"
    " systemd (apt-get install --no-install-recommends systemd); no systemd has to run. Where there is none, as on"
    " macOS, the tests run in a container of one of these."
)


def find_or_install_systemd_analyze() -> str:
    """Where it is; where it is missing, the package is installed if we may.

    Raises:
        PackageMissing: it cannot be had; says what to install.
    """
    found = shutil.which(PROGRAM)
    failure = install_packages((PACKAGE,)) if found is None else ""
    found = found or shutil.which(PROGRAM)
    if found is None:
        message = f"{ADVICE}\n{failure}"
        raise PackageMissing(message)
    return found
