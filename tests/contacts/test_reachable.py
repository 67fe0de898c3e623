"""Postal addresses, accounts, web addresses and domains."""

import pytest

from patron_events.catalog.contacts import PostalAddress, SocialHandle
from patron_values.contact_points import addresses, domains, social, urls
from patron_values.errors import (
    AddressEmpty,
    CountryUnknown,
    DomainInvalid,
    PrimaryAmbiguous,
    SocialEmpty,
    TextEmpty,
    UrlInvalid,
)


def test_an_address_keeps_its_parts_and_its_country_becomes_a_code() -> None:
    typed = {
        "type": "work",
        "street_address": " Unter den Linden 1\n2. Hof ",
        "postal_code": "10117",
        "country": "Germany",
    }
    assert addresses([typed]) == (
        PostalAddress(
            type="work",
            street_address="Unter den Linden 1\n2. Hof",
            postal_code="10117",
            country="DE",
            primary=True,
        ),
    )


def test_an_address_that_says_nothing_is_refused() -> None:
    with pytest.raises(AddressEmpty) as refused:
        addresses([{"locality": "Berlin"}, {"type": "home", "locality": "  ", "country": None}])
    assert refused.value.field == "addresses[1]"


def test_an_address_in_no_country_is_refused() -> None:
    with pytest.raises(CountryUnknown) as refused:
        addresses([{"country": "Atlantis"}])
    assert refused.value.field == "addresses[0].country"


def test_only_one_address_is_primary() -> None:
    berlin, paris = {"locality": "Berlin"}, {"locality": "Paris", "primary": True}
    assert [each.primary for each in addresses([berlin, paris])] == [False, True]
    assert [each.primary for each in addresses([berlin, berlin])] == [True]
    with pytest.raises(PrimaryAmbiguous):
        addresses([{**berlin, "primary": True}, paris])


def test_an_account_is_a_handle_or_a_url_at_a_service() -> None:
    typed = [
        {"service": "LinkedIn", "url": "https://www.linkedin.com/in/Jane"},
        {"service": "x", "handle": "@jane"},
        {"service": "X", "handle": "@jane"},
    ]
    assert social(typed) == (
        SocialHandle("linkedin", url="https://www.linkedin.com/in/Jane"),
        SocialHandle("x", handle="@jane"),
    )
    with pytest.raises(SocialEmpty):
        social([{"service": "x", "handle": " "}])
    with pytest.raises(TextEmpty):
        social([{"handle": "@jane"}])


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://Example.com/Path?q=A#B", "https://example.com/Path?q=A#B"),
        ("HTTP://EXAMPLE.COM", "http://example.com"),
        ("www.example.com/about", "https://www.example.com/about"),
        ("http://exämple.de:8080/ä", "http://exämple.de:8080/ä"),
        ("http://192.0.2.1/x", "http://192.0.2.1/x"),
        ("http://[2001:db8::1]:80/x", "http://[2001:db8::1]:80/x"),
    ],
)
def test_a_web_address_is_kept_with_its_host_in_lower_case(typed: str, kept: str) -> None:
    assert urls([typed, typed]) == (kept,)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "javascript:alert(1)",
        "ftp://example.com",
        "//example.com",
        "https://",
        "https://jane:secret@example.com/",
        "https://exa mple.com",
        "https://example.com/<script>",
        "https://example.com\\@evil.example",
        "https://-a-.com",
        "https://example.com:99999/",
        "https://[::1/",
        "https://example.com/\x00",
        "https://example.com/" + "a" * 3000,
        "just words",
        None,
        7,
    ],
)
def test_other_addresses_are_refused(typed: object) -> None:
    with pytest.raises(UrlInvalid) as refused:
        urls(["https://example.com", typed])  # type: ignore[list-item]
    assert refused.value.field == "urls[1]"


def test_domains_are_kept_in_lower_case_ascii() -> None:
    typed = ["Example.COM", "example.com.", "exämple.de", "EXÄMPLE.de"]
    assert domains(typed) == ("example.com", "xn--exmple-cua.de")


@pytest.mark.parametrize(
    "typed", ["", "example", "https://example.com", "a@example.com", "-a.com", "a..b.com", "a" * 300]
)
def test_what_is_no_domain_is_refused(typed: str) -> None:
    with pytest.raises(DomainInvalid) as refused:
        domains([typed])
    assert refused.value.field == "domains[0]"
