"""nginx, as Debian and Ubuntu have it; nothing of its package is started."""

import os
import shutil
from pathlib import Path

from tests.support.packages import PackageMissing, unpack_package

PROGRAM = PACKAGE = "nginx"
ADVICE = (
    "The example of a proxy is tried with nginx, which is missing. Debian and Ubuntu: apt-get install"
    " --no-install-recommends nginx (the server that this starts may be stopped); Fedora: dnf install nginx;"
    " macOS: brew install nginx."
)


def find_or_fetch_nginx(folder: Path) -> str:
    """Where it is; where it is missing, the package is fetched into ``folder`` and not installed.

    Raises:
        PackageMissing: it cannot be had; says what to install.
    """
    found = shutil.which(PROGRAM, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin")))
    if found is not None:
        return found
    try:
        return str(unpack_package(PACKAGE, folder).with_name("sbin") / PROGRAM)
    except PackageMissing as error:
        message = f"{ADVICE}\n{error}"
        raise PackageMissing(message) from error
