"""Amounts of money are exact."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patron_events.currencies import decimals
from patron_values.errors import AmountInvalid, AmountTooPrecise, CurrencyUnknown
from patron_values.money import currency, decimal_text, minor


@pytest.mark.parametrize(
    ("amount", "code", "expected"),
    [
        ("29.33", "USD", 2933),
        ("29.3", "USD", 2930),
        ("29", "USD", 2900),
        (29, "USD", 2900),
        (29.33, "USD", 2933),
        (0.1, "EUR", 10),
        ("-0.05", "EUR", -5),
        ("+1.50", "EUR", 150),
        ("1.5000", "EUR", 150),
        (" 7.00 ", "EUR", 700),
        ("1500", "JPY", 1500),
        ("1500.0", "JPY", 1500),
        ("1.234", "KWD", 1234),
        ("12.50", "RSD", 1250),
        ("9999999999999.99", "EUR", 999_999_999_999_999),
    ],
)
def test_an_amount_is_read_in_minor_units(amount: str | float, code: str, expected: int) -> None:
    assert minor(amount, code, "amount") == expected


@pytest.mark.parametrize(
    ("amount", "code"),
    [("29.335", "USD"), ("0.5", "JPY"), ("0.0001", "KWD"), (0.1 + 0.2, "EUR"), (1e-300, "EUR"), (29.999, "EUR")],
)
def test_more_decimals_than_the_currency_has_are_refused(amount: str | float, code: str) -> None:
    with pytest.raises(AmountTooPrecise) as refused:
        minor(amount, code, "lines[0].amount")
    assert refused.value.field == "lines[0].amount"


@pytest.mark.parametrize(
    "amount",
    [
        "",
        "free",
        "1,234.50",
        "12,50",
        "1e3",
        "1e999",
        "NaN",
        "Infinity",
        "0x10",
        "1_000",
        "١٢",
        ".",
        "1.",
        "--1",
        "9" * 5000,
        "1." + "0" * 5000,
        "10000000000000.00",
        10**13,
        -(10**400),
        1e300,
        float("nan"),
        float("inf"),
        float("-inf"),
        True,
        None,
        [],
    ],
)
def test_what_is_no_plain_amount_is_refused(amount: object) -> None:
    with pytest.raises(AmountInvalid) as refused:
        minor(amount, "EUR", "amount")
    assert refused.value.field == "amount"


@given(
    whole=st.integers(-(10**15) + 1, 10**15 - 1),
    code=st.sampled_from(["EUR", "JPY", "KWD", "CLF", "RSD", "HUF", "UGX"]),
)
def test_an_amount_written_out_is_the_amount_again(whole: int, code: str) -> None:
    written = decimal_text(whole, code)
    assert minor(written, code, "amount") == whole
    assert len(written.partition(".")[2]) == decimals(code)


def test_amounts_are_written_with_all_their_decimals() -> None:
    assert [decimal_text(2933, code) for code in ("USD", "JPY", "KWD")] == ["29.33", "2933", "2.933"]
    assert [decimal_text(whole, "EUR") for whole in (0, 5, -5, 100)] == ["0.00", "0.05", "-0.05", "1.00"]


def test_a_currency_is_a_code_in_any_case() -> None:
    assert currency(" eur ", "currency") == "EUR"
    assert currency("DEM", "currency") == "DEM"  # withdrawn, and on old orders


@pytest.mark.parametrize("code", ["", "EURO", "€", "XXX", "XTS", "ZZZ", "E" * 5000, "\u017fek", None, 978])
def test_other_currencies_are_refused(code: object) -> None:
    with pytest.raises(CurrencyUnknown) as refused:
        currency(code, "currency")
    assert refused.value.field == "currency"
