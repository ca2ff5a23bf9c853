"""Our requests only go to public addresses."""

import ipaddress
import socket
from typing import Any

import pytest

from adapters._address import check_base_url, is_public, resolve
from connector.errors import ConfigurationError, InvalidRequest, Unreachable


@pytest.mark.parametrize("text", ["93.184.215.14", "1.1.1.1", "2606:2800:21f:cb07::1"])
def test_public_addresses_are_public(text: str) -> None:
    """Addresses of the open internet are public."""
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "127.255.255.254",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - looked at, not bound to
        "0.1.2.3",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "fd12:3456::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "3fff::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:c0a8:101::1",
        "2001:0:4136:e378:8000:63bf:f5ff:fffe",
    ],
)
def test_other_addresses_are_not(text: str) -> None:
    """Loopback, private, link-local, reserved and hidden forms of them are not public."""
    assert not is_public(ipaddress.ip_address(text))


def test_translated_public_address_is_public() -> None:
    """A public address behind NAT64 stays public, so such networks work."""
    assert is_public(ipaddress.ip_address("64:ff9b::1.1.1.1"))


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "::1"]
)
def test_every_spelling_of_loopback_is_refused(host: str) -> None:
    """However loopback is written, what counts is where the system would connect."""
    with pytest.raises((InvalidRequest, Unreachable)):
        resolve(host, 443, allow_private=False, platform="x")


def test_loopback_is_allowed_for_tests() -> None:
    """With private addresses allowed, loopback and any port are fine."""
    found = resolve("127.0.0.1", 8081, allow_private=True, platform="x")
    assert found == [(socket.AF_INET, "127.0.0.1", 8081)]


def test_ports_are_web_ports() -> None:
    """Other ports than 80 and 443 are refused before the name is looked up."""
    with pytest.raises(InvalidRequest, match="6379"):
        resolve("1.1.1.1", 6379, allow_private=False, platform="x")


def test_one_private_address_among_public_ones_refuses_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name with one inner address is a trick, whatever else it leads to."""

    def answers(*_args: Any, **_more: Any) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", 443)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    with pytest.raises(InvalidRequest, match=r"10\.0\.0\.1"):
        resolve("shop.example.com", 443, allow_private=False, platform="x")


def test_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was checked is what is connected to: the name is not asked again."""
    asked: list[str] = []

    def answers(host: str, *_args: Any, **_more: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    found = resolve("shop.example.com", 443, allow_private=False, platform="x")
    assert (found, asked) == ([(socket.AF_INET, "1.1.1.1", 443)], ["shop.example.com"])


def test_unknown_name_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name nobody knows may be known later."""

    def unknown(*_args: Any, **_more: Any) -> list[Any]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable):
        resolve("shop.example.com", 443, allow_private=False, platform="x")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example.com",
        "ftp://shop.example.com",
        "file:///etc/passwd",
        "https://",
        "https://user:pass@shop.example.com",
        "https://shop.example.com@10.0.0.1",
        "https://shop.example.com?x=1",
        "https://shop.example.com/#x",
        "https://shop.example.com\\@10.0.0.1",
        "https://shop.example.com:8443",
        "https://shop.example.com:99999",
        "https://127.0.0.1",
        "https://[::1]",
        "https://shop.exa mple.com",
        "http://shop.example.com",
    ],
)
def test_bad_shop_addresses_are_refused(url: str) -> None:
    """An address that is none of a public shop over TLS is refused when it is saved."""
    with pytest.raises(ConfigurationError):
        check_base_url(url, allow_private=False, allow_http=False)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://shop.example.com/", "https://shop.example.com"),
        (" https://shop.example.com/tienda/ ", "https://shop.example.com/tienda"),
        ("https://shop.example.com:443", "https://shop.example.com:443"),
    ],
)
def test_good_shop_addresses_are_kept(url: str, expected: str) -> None:
    """A shop may live in a folder; blanks around and a final slash go."""
    assert check_base_url(url, allow_private=False, allow_http=False) == expected
