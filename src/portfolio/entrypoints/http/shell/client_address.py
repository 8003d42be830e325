"""Where a request comes from: the peer, or what a trusted proxy says of it."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Self, TypeAlias

from litestar.types import HTTPScope, WebSocketScope

from portfolio.settings import Settings, SettingsError

AnyScope: TypeAlias = HTTPScope | WebSocketScope

# What one customer of a provider is given at the least: whoever has one address of it has them all.
_V6_PREFIX = 64
# No chain of proxies is longer; whatever stands further left is not read.
_MOST_HOPS = 32


class ClientAddresses:
    """Tells a request's client address, believing ``X-Forwarded-For`` as far as trusted proxies wrote it."""

    def __init__(self, proxies: Iterable[IPv4Network | IPv6Network] = ()) -> None:
        self._proxies = tuple(proxies)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the addresses as the settings trust them.

        Raises:
            SettingsError: an entry is no address and no network.
        """
        try:
            return cls([ip_network(entry, strict=False) for entry in settings.proxies])
        except ValueError as error:
            raise SettingsError(f"PORTFOLIO_TRUSTED_PROXIES: {error}") from error

    def of_request(self, scope: AnyScope) -> str:
        """Return the right-most address that is no trusted proxy's; the peer's own where the peer is none.

        Each proxy appends who called it, so that what a client writes itself stands further left.
        """
        client = scope.get("client")
        peer = client[0] if client else ""
        if not self._proxies or not self._trusts(peer):
            return peer
        found = peer
        forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        for entry in reversed(b",".join(forwarded).decode("latin-1").split(",")[-_MOST_HOPS:]):
            address = _address(entry)
            if address is None:
                break
            found = str(address)
            if not self._trusts(found):
                break
        return found

    def network_of_request(self, scope: AnyScope) -> str:
        """Return what one client is counted by: its address, or the /64 network of an IPv6 address."""
        text = self.of_request(scope)
        if ":" not in text:
            return text
        address = _address(text)
        if not isinstance(address, IPv6Address):
            return text if address is None else str(address)
        return str(IPv6Network((address, _V6_PREFIX), strict=False))

    def _trusts(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self._proxies)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address that a text names, with a port or without; None where it names none.

    A zone (``fe80::1%eth0``) is dropped: it means nothing on another machine, and may be any text.
    """
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
