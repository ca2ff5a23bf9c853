"""Buyers: what makes two spellings of an address or a number the same person."""

# ruff: noqa: RUF001 - letters of other scripts are what is tested

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.model.customer import normal_email, normal_phone


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ana@example.com", "ana@example.com"),
        ("  Ana.Lopez@Example.COM \n", "ana.lopez@example.com"),
        ("ana+tienda@example.co.uk", "ana+tienda@example.co.uk"),
        ("JOSÉ@correo.es", "josé@correo.es"),
        # The accent as a sign of its own is the same letter.
        ("jose\u0301@correo.es", "josé@correo.es"),
        ("maria@año.es", "maria@año.es"),
        # Full-width letters, as some keyboards write them.
        ("ａｎａ＠ｅｘａｍｐｌｅ．ｃｏｍ", "ana@example.com"),
        ("\u00a0ana@example.com\u00a0", "ana@example.com"),
    ],
)
def test_spellings_of_an_email_address(text: str, expected: str) -> None:
    """Case, space around it and the way letters are composed do not matter."""
    assert normal_email(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *[None, "", " ", "ana", "ana@", "@example.com", "ana@example", "ana@@example.com"],
        *["ana@ex@ample.com", "ana lopez@example.com", "ana@.com", "ana@example."],
        *["Ana <ana@example.com>", "a@example.com, b@example.com", "a@x.es;b@x.es"],
        *['"ana"@example.com', "ana@example.com\nbcc: b@example.com", "a\\b@example.com"],
    ],
)
def test_what_is_no_email_address(text: str | None) -> None:
    """What a mail could not be sent to as it stands identifies nobody."""
    assert normal_email(text) is None


@settings(deadline=None)
@given(st.text(max_size=20), st.text(max_size=20))
def test_normal_email_stays_as_it_is(local: str, domain: str) -> None:
    """An address in its comparable form does not change any more."""
    once = normal_email(f"{local}@{domain}.es")
    if once is not None:
        assert normal_email(once) == once


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("+34 600 111 222", "", "+34600111222"),
        ("+34600111222", "ES", "+34600111222"),
        ("(+34) 600-111-222", "ES", "+34600111222"),
        ("0034 600 111 222", "", "+34600111222"),
        ("(0034) 600.111.222", "FR", "+34600111222"),
        ("600 111 222", "ES", "+34600111222"),
        ("91 234 56 78", "ES", "+34912345678"),
        ("600 111 222", "", "600111222"),
        ("600 111 222", "FR", "600111222"),
        ("06 12 34 56 78", "FR", "0612345678"),
        ("+1 (212) 555-0199", "US", "+12125550199"),
        ("\u200e+34 600 111 222", "ES", "+34600111222"),
        # Digits and signs of other scripts.
        ("٦٠٠١١١٢٢٢", "ES", "+34600111222"),
        ("＋３４ ６００ １１１ ２２２", "ES", "+34600111222"),
        ("٠٠٣٤٦٠٠١١١٢٢٢", "", "+34600111222"),
    ],
)
def test_spellings_of_a_phone_number(text: str, country: str, expected: str) -> None:
    """Spaces, brackets, 00 for plus and the Spanish prefix do not matter."""
    assert normal_phone(text, country) == expected


@pytest.mark.parametrize(
    "text",
    [
        *[None, "", " ", "no tengo", "112", "123456", "+123456", "00 123456"],
        *["1234567890123456", "+1234567890123456", "x" * 1000],
    ],
)
def test_what_is_no_phone_number(text: str | None) -> None:
    """Fewer than 7 or more than 15 digits identify nobody."""
    assert normal_phone(text, "ES") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1234567", "1234567"), ("123456789012345", "123456789012345")],
)
def test_shortest_and_longest_phone_number(text: str, expected: str) -> None:
    """Seven and fifteen digits are still a number."""
    assert normal_phone(text) == expected


@settings(deadline=None)
@given(st.text(max_size=25), st.sampled_from(["", "ES", "FR"]))
def test_normal_phone_stays_as_it_is(text: str, country: str) -> None:
    """A number in its comparable form is ASCII and does not change any more."""
    once = normal_phone(text, country)
    if once is not None:
        assert once.isascii()
        assert once.removeprefix("+").isdigit()
        assert normal_phone(once, country) == once
