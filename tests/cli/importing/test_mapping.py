"""Columns of other products become bodies of the API; what is ambiguous is refused with a code."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patron_cli.importing.blame import column_for
from patron_cli.importing.body import BodyMaker, compile_plan
from patron_cli.importing.custom_fields import field_name, infer_types, with_custom_fields
from patron_cli.importing.detection import open_rows
from patron_cli.importing.mapping import Stated, make_plan
from patron_cli.importing.mapping_file import MappingFile, load_mapping
from patron_cli.importing.rows import FileUnusable
from patron_cli.importing.shapes import Kind
from patron_cli.importing.times import date_with, moment_with
from patron_cli.importing.values import BadValue, boolean, decimal_with

NO_MAPPING = MappingFile()


def maker(kind: Kind, columns: list[str], mapping: MappingFile = NO_MAPPING, **stated: Any) -> BodyMaker:
    return compile_plan(make_plan(kind, columns, Stated(**stated), mapping, default_source="file"))


def body(kind: Kind, row: Mapping[str, Any], mapping: MappingFile = NO_MAPPING, **stated: Any) -> dict[str, Any]:
    return maker(kind, list(row), mapping, **stated).body(list(row.values()))


@pytest.mark.parametrize(
    "columns",
    [
        ("first name", "last_name", "E-Mail"),
        ("VORNAME", "Nachname", "E-Mail-Adresse"),
        ("GivenName", "family name", "email address"),
        ("given_name", "family_name", "emails"),
    ],
)
def test_common_names_of_columns_are_understood(columns: tuple[str, str, str]) -> None:
    row = dict(zip(columns, (" Ada ", "Lovelace", "ada@example.org"), strict=True))
    assert body("people", row) == {
        "given_name": "Ada",
        "family_name": "Lovelace",
        "emails": [{"value": "ada@example.org"}],
    }


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Ada King Lovelace", {"given_name": "Ada King", "family_name": "Lovelace"}),
        ("Lovelace, Ada", {"given_name": "Ada", "family_name": "Lovelace"}),
        ("Ada", {"given_name": "Ada"}),
    ],
)
def test_whole_names_are_taken_apart(name: str, parts: dict[str, str]) -> None:
    assert body("people", {"Name": name}) == parts


def test_google_labels_give_types_and_several_values_share_a_cell() -> None:
    row = {
        "First Name": "Grace",
        "Labels": "* myContacts ::: Navy",
        "E-mail 1 - Label": "* Work",
        "E-mail 1 - Value": "grace@navy.example ::: hopper@navy.example",
        "E-mail 2 - Label": "",
        "E-mail 2 - Value": "",
        "Phone 1 - Label": "Work Fax",
        "Phone 1 - Value": "+1 555 0199",
        "Address 1 - Label": "Home",
        "Address 1 - Street": "1 Main St",
        "Address 1 - Country": "United Kingdom",
    }
    assert body("people", row) == {
        "given_name": "Grace",
        "tags": ["Navy"],
        "emails": [
            {"value": "grace@navy.example", "type": "work"},
            {"value": "hopper@navy.example", "type": "work"},
        ],
        "phones": [{"value": "+1 555 0199", "type": "fax"}],
        "addresses": [{"type": "home", "street_address": "1 Main St", "country": "GB"}],
    }


def test_outlook_columns_keep_their_types() -> None:
    row = {
        "Title": "Dr.",
        "First Name": "Ada",
        "E-mail Address": "ada@example.org",
        "E-mail 2 Address": "a@example.org",
        "Business Street": "Main St",
        "Business Country/Region": "France",
        "Mobile Phone": "+33 1",
        "Business Fax": "+33 2",
        "Gender": "Unspecified",
        "Birthday": "0/0/00",
    }
    assert body("people", row) == {
        "honorific_prefix": "Dr.",
        "given_name": "Ada",
        "emails": [{"value": "ada@example.org"}, {"value": "a@example.org"}],
        "phones": [{"value": "+33 1", "type": "cell"}, {"value": "+33 2", "type": "fax"}],
        "addresses": [{"type": "work", "street_address": "Main St", "country": "FR"}],
    }


def test_hubspot_stages_are_translated() -> None:
    row = {"Record ID": "51", "Email": "ada@example.org", "Lifecycle Stage": "Marketing Qualified Lead"}
    made = maker("people", list(row))
    assert made.plan.preset == "hubspot"
    assert made.body(list(row.values())) == {
        "external_id": "51",
        "emails": [{"value": "ada@example.org", "type": "work"}],
        "lifecycle_stage": "marketing-qualified",
    }


def test_salesforce_accounts_map_whole(data_set: Callable[[str], Path]) -> None:
    file = open_rows(data_set("exports_salesforce") / "data" / "accountData.csv")
    made = maker("companies", list(file.columns))
    bodies = [made.body(row.values) for row in file.rows()]
    assert made.plan.preset == "salesforce"
    assert made.plan.conventions.source == "salesforce"
    assert len({one["external_id"] for one in bodies}) == len(bodies) == 423
    assert len({one["name"] for one in bodies}) == 422
    assert {"amount": "60000000", "currency": "USD"} in [one.get("annual_revenue") for one in bodies]
    assert {a["country"] for one in bodies for a in one.get("addresses", ()) if "country" in a} >= {"US"}


def test_accounts_name_their_parents(data_set: Callable[[str], Path]) -> None:
    file = open_rows(data_set("crm_sales_opportunities") / "accounts.csv")
    made = maker("companies", list(file.columns), currency="usd")
    bodies = [made.body(row.values) for row in file.rows()]
    parents = [one["parent"]["external_id"]["id"] for one in bodies if "parent" in one]
    assert (len(bodies), len(parents), len(set(parents))) == (85, 15, 7)
    assert bodies[0]["annual_revenue"] == {"amount": "1100.04", "currency": "USD"}


def test_revenue_without_currency_is_left_out_and_told() -> None:
    made = maker("companies", ["account", "revenue"])
    assert made.plan.unmapped == ("revenue",)
    assert made.plan.remarks
    with pytest.raises(FileUnusable, match="--currency"):
        maker("orders", ["customer_id", "date", "amount"])


def test_all_purchases_of_cdnow_become_orders(data_set: Callable[[str], Path]) -> None:
    file = open_rows(data_set("cdnow") / "CDNOW_master.txt.gz")
    made = maker("orders", list(file.columns))
    total, customers, count = Decimal(0), set[str](), 0
    for row in file.rows():
        order = made.body(row.values)
        total += Decimal(order["amount"])
        customers.add(order["customer"]["external_id"]["id"])
        count += 1
    assert (count, len(customers), total) == (69_659, 23_570, Decimal("2500315.63"))


def test_telco_columns_become_custom_fields_of_the_right_type(data_set: Callable[[str], Path]) -> None:
    file = open_rows(data_set("telco_churn") / "Telco-Customer-Churn.csv.gz")
    plan = make_plan("people", file.columns, Stated(), NO_MAPPING, default_source="telco")
    positions = [file.columns.index(column) for column in plan.unmapped]
    plan, missing = with_custom_fields(
        plan, infer_types(file.rows(), positions, plan.conventions), {"tenure": "number"}
    )
    types = {definition.name: definition.type for definition in missing}
    assert (types["senior_citizen"], types["partner"], types["contract"]) == ("integer", "boolean", "string")
    assert (types["total_charges"], types["monthly_charges"], types["churn"]) == ("number", "number", "boolean")
    assert "tenure" not in types
    made = compile_plan(plan)
    customs = [made.body(row.values)["custom"] for row in file.rows()]
    assert len(customs) == 7_043
    assert sum("total_charges" not in custom for custom in customs) == 11
    assert sum(custom["churn"] for custom in customs) == 1_869
    assert round(sum(custom["monthly_charges"] for custom in customs), 2) == 456_116.60


def test_a_mapping_file_decides(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(
        """
        source = "erp"
        currency = "EUR"
        dates = "dmy"
        decimal = ","
        key = ["Nr", "Jahr"]
        blanks = ["-"]

        [columns]
        Nr = ""
        Wer = "customer.email"
        Wann = { to = "ordered_at", format = "%d/%m/%y" }
        Betrag = "amount"
        Zustand = { to = "status", values = { "bez." = "paid" } }

        [constants]
        status = "open"
        """,
        "utf-8",
    )
    mapping = load_mapping(path)
    row = {"Nr": "1", "Jahr": "99", "Wer": "a@b.de", "Wann": "31/12/99", "Betrag": "1.234,50", "Zustand": "bez."}
    made = maker("orders", list(row), mapping)
    assert made.plan.key == (0, 1)
    assert made.plan.conventions.source == "erp"
    assert made.body(list(row.values())) == {
        "status": "paid",
        "ordered_at": "1999-12-31T00:00:00Z",
        "amount": "1234.50",
        "customer": {"email": "a@b.de"},
        "currency": "EUR",
    }
    assert made.body(["1", "99", "a@b.de", "31/12/99", "5", "-"])["status"] == "open"


@pytest.mark.parametrize(
    "content",
    [
        "columns = 3",
        "colums = {}",
        "not toml at all [",
        '[columns]\nNobody = "given_name"',
        '[columns]\na = "no_field"',
    ],
)
def test_wrong_mapping_files_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "map.toml"
    path.write_text(content, "utf-8")
    with pytest.raises(FileUnusable):
        maker("people", ["a", "email"], load_mapping(path))


def test_unusable_options_are_refused() -> None:
    for stated in (
        {"preset": "sap"},
        {"dates": "xyz"},
        {"decimal": ";"},
        {"time_zone": "Mars/Base"},
        {"region": "Texas"},
    ):
        with pytest.raises(FileUnusable):
            compile_plan(make_plan("people", ["email"], Stated(**stated), NO_MAPPING, default_source="file"))
    with pytest.raises(FileUnusable, match="--map"):
        maker("people", ["foo", "bar"])


def test_the_column_to_blame_is_found() -> None:
    plan = maker("people", ["Email", "Work email", "Phone", "Name", "Country", "Customer ID"]).plan
    row = ["", "bad", "1", "Ada", "XX", "7"]
    assert column_for(plan, row, "emails[0].value") == "Work email"
    assert column_for(plan, row, "phones[0].value") == "Phone"
    assert column_for(plan, row, "given_name") == "Name"
    assert column_for(plan, row, "addresses[0].country") == "Country"
    assert column_for(plan, row, "external_ids[0].id") == "Customer ID"
    assert column_for(plan, row, "tags[0]") == column_for(plan, row, None) == ""


def test_real_time_zones_of_salesforce(data_set: Callable[[str], Path]) -> None:
    folder = data_set("exports_salesforce") / "testfiles"
    convert = moment_with("mdy", None, "UTC")
    rows = list(open_rows(folder / "timeZoneFormatTesting.csv").rows())
    assert len(rows) == 12
    assert {convert(row.values[1]) for row in rows} == {
        "2009-07-14T18:14:45Z",
        "2009-07-14T06:14:45Z",
        "2009-07-14T12:14:45Z",
        "2009-07-14T14:14:45Z",
        "2009-07-14T10:14:45Z",
    }
    outcomes: list[str] = []
    for row in open_rows(folder / "timeZoneFormatTestingWithErrors.csv").rows():
        try:
            outcomes.append(convert(row.values[1]))
        except BadValue as error:
            outcomes.append(error.code)
    assert outcomes.count("invalid-date") == 2


@pytest.mark.parametrize(
    ("written", "order", "outcome"),
    [
        ("2026-03-04", "", "2026-03-04"),
        ("20260304", "", "2026-03-04"),
        ("2026/3/4", "", "2026-03-04"),
        ("31.12.2026", "", "2026-12-31"),
        ("04.03.2026", "", "2026-03-04"),
        ("31/12/2026", "", "2026-12-31"),
        ("12/31/2026", "", "2026-12-31"),
        ("03/04/2026", "", "ambiguous-date"),
        ("03/04/2026", "dmy", "2026-04-03"),
        ("03/04/2026", "mdy", "2026-03-04"),
        ("31/12/2026", "mdy", "invalid-date"),
        ("03/04/26", "dmy", "ambiguous-date"),
        ("4 March 2026", "", "2026-03-04"),
        ("Mar 4, 2026", "", "2026-03-04"),
        ("2026-02-30", "", "invalid-date"),
        ("0000-01-01", "", "invalid-date"),
        ("soon", "", "invalid-date"),
        ("2026-03-04 22:15", "", "2026-03-04"),
        (" ", "", None),
    ],
)
def test_dates_have_one_reading_or_none(written: str, order: str, outcome: str | None) -> None:
    try:
        found = date_with(order, None)(written)
    except BadValue as error:
        found = error.code
    assert found == outcome


@pytest.mark.parametrize(
    ("written", "zone", "outcome"),
    [
        ("2010-10-14T12:00:00.000Z", "UTC", "2010-10-14T12:00:00Z"),
        ("2010-10-14T12:00:00.000Z-0300", "UTC", "2010-10-14T15:00:00Z"),
        ("2010-10-14T12:00:00.000", "Europe/Berlin", "2010-10-14T10:00:00Z"),
        ("2010-10-14", "Europe/Berlin", "2010-10-13T22:00:00Z"),
        ("10/14/2010 1:05 PM", "UTC", "2010-10-14T13:05:00Z"),
        ("9999-12-31T23:59:59-12:00", "UTC", "invalid-date"),
        ("2010-10-14T25:00:00Z", "UTC", "invalid-date"),
    ],
)
def test_moments_become_utc(written: str, zone: str, outcome: str) -> None:
    try:
        found = moment_with("", None, zone)(written)
    except BadValue as error:
        found = error.code
    assert found == outcome


@pytest.mark.parametrize(
    ("written", "mark", "outcome"),
    [
        ("29.33", None, "29.33"),
        ("1,234.56", None, "1234.56"),
        ("1.234,56", None, "1234.56"),
        ("1 234,56", None, "1234.56"),
        ("1'234.50", None, "1234.50"),
        ("12,5", None, "12.5"),
        ("1,234", None, "ambiguous-number"),
        ("1,234", ".", "1234"),
        ("1,234", ",", "1.234"),
        ("1.234", ",", "1234"),
        ("1,234,567", None, "1234567"),
        ("$1,200.00", None, "1200.00"),
        ("12,50 €", None, "12.50"),
        ("EUR 12.50", None, "12.50"),
        ("(12.50)", None, "-12.50"),
        ("6.0E7", None, "60000000"),
        ("1,23,4", None, "invalid-number"),
        ("12.5.1", None, "invalid-number"),
        ("twelve", None, "invalid-number"),
        ("NaN", None, "invalid-number"),
        ("١٢", None, "invalid-number"),
        (" ", None, ""),
    ],
)
def test_numbers_have_one_reading_or_none(written: str, mark: str | None, outcome: str) -> None:
    try:
        found = decimal_with(mark)(written)
    except BadValue as error:
        found = error.code
    assert found == outcome


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**12), max_value=10**12))
def test_grouped_amounts_keep_their_value(amount: Decimal) -> None:
    english = f"{amount:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert Decimal(decimal_with(".")(english)) == Decimal(decimal_with(",")(german)) == amount


@given(st.text(max_size=40))
def test_any_cell_is_a_value_or_a_refusal(cell: str) -> None:
    for convert in (decimal_with(None), date_with("", None), moment_with("dmy", None, "UTC"), boolean):
        try:
            convert(cell)
        except BadValue as error:
            assert error.code  # noqa: PT017 - either outcome is right


def test_names_of_fields_are_plain() -> None:
    names = [field_name(column, set()) for column in ("MonthlyCharges", "Größe (cm)", "2nd  line", "年齢")]
    assert names == ["monthly_charges", "grosse_cm", "field_2nd_line", "field"]
    assert field_name("a b", {"a_b"}) == "a_b_2"
