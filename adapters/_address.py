"""Guard where our requests may go: only public addresses, checked before use."""

import ipaddress
import socket
from typing import Final
from urllib.parse import SplitResult, urlsplit

from connector.errors import ConfigurationError, InvalidRequest, Unreachable

_WEB_PORTS: Final = frozenset({80, 443})
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
# Addresses that Python counts as global and that still lead into a local network.
# Source: IANA special-purpose address registry, checked 2026-11-22.
_REFUSED: Final = tuple(
    ipaddress.ip_network(text)
    for text in ("64:ff9b:1::/48", "192.88.99.0/24", "fec0::/10", "5f00::/16", "3fff::/20")
)

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
SocketAddress = tuple[socket.AddressFamily, str, int]


def check_base_url(url: str, *, allow_private: bool, allow_http: bool) -> str:
    """Check the address of a shop as a person typed it.

    Args: url: with scheme; a path is kept, because shops may live in a folder.
    Returns: the address without a final slash.
    Raises: ConfigurationError: says what is wrong with it.
    """
    cleaned = url.strip().rstrip("/")
    try:
        parts = urlsplit(cleaned)
        port = parts.port
    except ValueError as err:
        raise ConfigurationError(f"The address {cleaned[:80]!r} cannot be read.") from err
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError("Write the shop's address like https://shop.example.com.")
    _check_shape(cleaned, parts)
    if parts.scheme == "http" and not allow_http:
        raise ConfigurationError(
            "The shop's address begins with http://. Use https://, or set POSTVENTA_ALLOW_HTTP."
        )
    if not allow_private and port is not None and port not in _WEB_PORTS:
        raise ConfigurationError(f"Port {port} is not a web port: use 80 or 443.")
    literal = _literal(parts.hostname)
    if literal is not None and not allow_private and not is_public(literal):
        raise ConfigurationError(f"{literal} is not a public address.")
    return cleaned


def _check_shape(url: str, parts: SplitResult) -> None:
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError("Leave user name and password out of the shop's address.")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise ConfigurationError("Leave everything from ? or # on out of the shop's address.")
    if "\\" in url or any(letter <= " " or letter == "\x7f" for letter in url):
        raise ConfigurationError("The shop's address holds letters that no address has.")


def _literal(host: str) -> IpAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_public(address: IpAddress) -> bool:
    """Tell whether an address, and every address hidden in it, is public."""
    if any(address.version == net.version and address in net for net in _REFUSED):
        return False
    if isinstance(address, ipaddress.IPv6Address):
        hidden = _hidden(address)
        if hidden is not None:
            return is_public(hidden)
    return address.is_global and not address.is_multicast and not address.is_reserved


def _hidden(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Find the IPv4 address that a translating network would connect to."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    return None


def resolve(host: str, port: int, *, allow_private: bool, platform: str) -> list[SocketAddress]:
    """Look a host up once and check every address it has.

    Returns: what to connect to, in the order of the system; never empty.

    Raises:
        InvalidRequest: one of the addresses is not public, or the port is no web port.
        Unreachable: the name is not known.
    """
    if not allow_private and port not in _WEB_PORTS:
        raise InvalidRequest(f"Port {port} is not a web port: use 80 or 443.", platform=platform)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as err:
        raise Unreachable(
            f"The name {host[:100]} is not known: check the shop's address.", platform=platform
        ) from err
    addresses: list[SocketAddress] = []
    for family, _kind, _protocol, _name, sockaddr in found:
        text = str(sockaddr[0])
        # A zone (`fe80::1%eth0`) exists for local addresses only.
        if not allow_private and ("%" in text or not is_public(ipaddress.ip_address(text))):
            # One private address among public ones is a trick as well: refuse them all.
            raise InvalidRequest(
                f"{host[:100]} leads to {text}, which is not a public address.", platform=platform
            )
        addresses.append((family, text, port))
    if not addresses:
        raise Unreachable(f"The name {host[:100]} has no address.", platform=platform)
    return addresses
