"""Files with secrets in them, and who else may read or write them."""

from __future__ import annotations

import stat
from contextlib import suppress
from pathlib import Path

import structlog

from portfolio.settings import ENV_FILE, Settings, SettingsError, refuse_other_writers

_log = structlog.get_logger(__name__)


def read_secret_file(setting: str, path: str) -> str:
    """Return the text of the file that a setting names.

    Raises:
        SettingsError: it cannot be read, or others than its owner may write it: they could make themselves a key.
    """
    try:
        refuse_other_writers(setting, Path(path))
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{setting} cannot be read: {type(error).__name__}") from error


def warn_of_readable_secrets(settings: Settings) -> None:
    """Say in the log which files with secrets every user of this machine may read.

    No more than that: what hands secrets to containers often leaves them readable to all within.
    """
    for path in (settings.api_keys_file, settings.database_tls_key, ENV_FILE):
        with suppress(OSError):
            if path and Path(path).stat().st_mode & stat.S_IROTH:
                _log.warning("secrets.readable_by_all", file=path, advice="chmod 600")
