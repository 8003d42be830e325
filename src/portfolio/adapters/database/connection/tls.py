"""TLS to the database: whom to believe, and as whom to come."""

from __future__ import annotations

from pathlib import Path
from ssl import CERT_NONE, SSLContext, create_default_context

from portfolio.adapters.database.connection.url import service_url
from portfolio.settings import Settings, SettingsError, refuse_other_writers

SYSTEM = "system"
"""Instead of a file: the authorities that this machine believes."""


def tls_of(settings: Settings) -> SSLContext | None:
    """Return how connections are encrypted; None where none of the settings asks for it.

    The server's certificate and name are checked, unless ``database_tls_verify`` is off.

    Raises:
        SettingsError: a file cannot be read, or others may write it; a key has no certificate; the check is off without
            an authority; or the database is on no network.
    """
    ca, cert, key = settings.database_tls_ca, settings.database_tls_cert, settings.database_tls_key
    _check_together(settings)
    if not (ca or cert or key):
        return None
    for name, path in (("CA", ca), ("CERT", cert), ("KEY", key)):
        if path not in {"", SYSTEM}:
            _check_writers(name, path)
    try:
        context = create_default_context(cafile=None if ca in {"", SYSTEM} else ca)
    except OSError as error:
        raise _unusable("CA", ca, error) from error
    if not settings.database_tls_verify:
        context.check_hostname = False
        context.verify_mode = CERT_NONE
    if cert:
        try:
            context.load_cert_chain(cert, key or None)
        except OSError as error:
            raise _unusable("CERT", cert, error) from error
    return context


def _check_together(settings: Settings) -> None:
    """Refuse settings that do not go with one another, or with the database."""
    if not (settings.database_tls_ca or settings.database_tls_cert or settings.database_tls_key):
        if not settings.database_tls_verify:
            raise SettingsError(f"PORTFOLIO_DATABASE_TLS_VERIFY needs PORTFOLIO_DATABASE_TLS_CA: a file, or `{SYSTEM}`")
        return
    if settings.is_embedded:
        raise SettingsError("PORTFOLIO_DATABASE_TLS_*: an SQLite database has no connection to encrypt")
    if "unix_socket" in service_url(settings.database_url).query:
        raise SettingsError("PORTFOLIO_DATABASE_TLS_*: a unix_socket stays on this machine, and is not encrypted")
    if settings.database_tls_key and not settings.database_tls_cert:
        raise SettingsError("PORTFOLIO_DATABASE_TLS_KEY needs PORTFOLIO_DATABASE_TLS_CERT, the certificate of the key")


def _check_writers(name: str, path: str) -> None:
    try:
        refuse_other_writers(f"PORTFOLIO_DATABASE_TLS_{name}", Path(path))
    except OSError as error:
        raise _unusable(name, path, error) from error


def _unusable(name: str, path: str, error: OSError) -> SettingsError:
    return SettingsError(f"PORTFOLIO_DATABASE_TLS_{name}: {path} cannot be used ({error.strerror or error})")
