"""E-mail addresses: what is accepted, and what counts as the same."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from patron_events.catalog.contacts import EmailAddress
from patron_events.rejections import Invalid
from patron_values.contact_points import email_key, emails
from patron_values.errors import EmailInvalid, PrimaryAmbiguous, ShapeInvalid, TooMany, TypeUnknown


def isemail_cases(folder: Path) -> list[tuple[str, str]]:
    """Read (category, address); U+2400 + n stands for control character n."""
    cases: list[tuple[str, str]] = []
    for test in ET.parse(folder / "tests.xml").getroot().iter("test"):  # noqa: S314 - a file of ours
        shown = test.findtext("address") or ""
        address = "".join(chr(ord(char) - 0x2400) if "\u2400" <= char <= "\u2421" else char for char in shown)
        cases.append(((test.findtext("category") or "").removeprefix("ISEMAIL_"), address))
    return cases


def answer(address: str) -> str:
    try:
        emails([{"value": address}])
    except Invalid as refusal:
        return refusal.code
    return "accepted"


def test_the_isemail_set_is_answered_as_the_policy_says(data_set: Callable[[str], Path]) -> None:
    cases = isemail_cases(data_set("email_validity"))
    assert Counter((category, answer(address)) for category, address in cases) == {
        ("VALID_CATEGORY", "accepted"): 14,
        ("DNSWARN", "accepted"): 8,
        ("CFWS", "accepted"): 2,  # blanks around an address
        ("CFWS", "email-invalid"): 8,
        ("DEPREC", "email-invalid"): 20,
        ("RFC5321", "email-invalid"): 16,
        ("RFC5322", "email-invalid"): 30,
        ("ERR", "email-invalid"): 66,
    }


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Jane.Doe+crm@Example.COM", "Jane.Doe+crm@example.com"),
        ("  jane@example.com ", "jane@example.com"),
        ("INFO@example.com", "info@example.com"),
        ("jörg@exämple.de", "jörg@exämple.de"),
        ("jo\u0308rg@exa\u0308mple.de", "jörg@exämple.de"),
        ("jane@xn--exmple-cua.de", "jane@exämple.de"),
        ("用户@例え.jp", "用户@例え.jp"),
        ("test@io", "test@io"),
        ("load@run.test", "load@run.test"),
    ],
)
def test_an_address_is_kept_in_its_normal_form(typed: str, kept: str) -> None:
    assert emails([{"value": typed}]) == (EmailAddress(kept, primary=True),)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "jane",
        "jane@gmail",
        "jane@localhost",
        "x@test",
        "jane@printer.local",
        "jane@127.0.0.1",
        "jane@example.123",
        '"jane doe"@example.com',
        "Jane Doe <jane@example.com>",
        "jane@example.com, joe@example.com",
        "jane@exam\u202eple.com",
        "ja\x00ne@example.com",
        "ja\ud800ne@example.com",
        "a" * 65 + "@example.com",
        "ä" * 65 + "@example.com",
        "a@" + "b" * 60 + ".example" * 30 + ".com",
        "a" * 1_000_000,
        "a@" * 100_000,
        None,
        17,
        ["jane@example.com"],
    ],
)
def test_what_mail_cannot_be_sent_to_is_refused(typed: object) -> None:
    with pytest.raises(EmailInvalid) as refused:
        emails([{"value": "jane@example.com"}, {"value": typed}])
    assert refused.value.field == "emails[1].value"


def test_the_stated_primary_address_is_primary() -> None:
    read = emails([{"value": "a@example.com", "type": "work"}, {"value": "b@example.com", "primary": True}])
    assert read == (EmailAddress("a@example.com", "work"), EmailAddress("b@example.com", primary=True))


def test_without_a_statement_the_first_address_is_primary() -> None:
    read = emails([{"value": "a@example.com"}, {"value": "b@example.com", "primary": False}])
    assert [each.primary for each in read] == [True, False]


def test_two_primary_addresses_are_refused() -> None:
    with pytest.raises(PrimaryAmbiguous) as refused:
        emails([{"value": "a@example.com", "primary": True}, {"value": "b@example.com", "primary": True}])
    assert refused.value.field == "emails[1].primary"


def test_an_address_given_twice_is_one_address() -> None:
    read = emails(
        [
            {"value": "Jane@example.com"},
            {"value": "joe@example.com"},
            {"value": "JANE@EXAMPLE.COM", "type": "work", "primary": True},
            {"value": "jane@example.com", "type": "home", "primary": True},
        ]
    )
    assert read == (EmailAddress("Jane@example.com", "work", primary=True), EmailAddress("joe@example.com"))


def test_the_list_and_its_items_have_their_shape() -> None:
    assert emails([]) == ()
    assert len(emails([{"value": f"a{number}@example.com"} for number in range(50)])) == 50
    with pytest.raises(TooMany):
        emails([{"value": f"a{number}@example.com"} for number in range(51)])
    with pytest.raises(TypeUnknown):
        emails([{"value": "a@example.com", "type": "fax"}])
    with pytest.raises(ShapeInvalid):
        emails([{"value": "a@example.com", "primary": "yes"}])


def test_one_address_has_one_key_in_every_writing() -> None:
    writings = ["Jörg@Exämple.de", "jörg@xn--exmple-cua.de", " JÖRG@EXÄMPLE.DE", "jo\u0308rg@exämple.de"]
    assert {email_key(each) for each in writings} == {"jörg@xn--exmple-cua.de"}
    assert email_key("jane.doe@example.com") != email_key("janedoe@example.com")


def test_a_key_is_its_own_key(data_set: Callable[[str], Path]) -> None:
    for _, address in isemail_cases(data_set("email_validity")):
        if answer(address) == "accepted":
            assert email_key(email_key(address)) == email_key(address)


LOCAL = st.text(st.sampled_from("aZ09.!#$%&'*+-/=?^_`{|}~@\"( äß用\u0301"), max_size=70)
HOST = st.sampled_from(
    ["example.com", "Example.ORG", "exämple.de", "a-b.co.uk", "xn--exmple-cua.de", "-a.com", "a..b.de"]
)


@given(local=LOCAL, host=HOST)
def test_the_quick_way_answers_as_the_library(local: str, host: str) -> None:
    typed = f"{local}@{host}"
    try:
        expected = validate_email(typed.strip(" "), check_deliverability=False, strict=True).normalized
    except EmailNotValidError:
        with pytest.raises(EmailInvalid):
            emails([{"value": typed}])
    else:
        assert emails([{"value": typed}]) == (EmailAddress(expected, primary=True),)
