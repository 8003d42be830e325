"""Files with secrets in them, and who else may write them."""

from __future__ import annotations

from pathlib import Path

from portfolio.settings import SettingsError, refuse_other_writers


def read_secret_file(setting: str, path: str) -> str:
    """Return the text of the file that a setting names.

    Raises:
        SettingsError: it cannot be read, or others than its owner may write it: they could make themselves a key.
    """
    try:
        refuse_other_writers(setting, Path(path))
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", "not UTF-8") or type(error).__name__
        raise SettingsError(f"{setting} cannot be read: {said}") from error
