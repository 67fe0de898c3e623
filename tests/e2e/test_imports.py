"""A user brings in real files of other programs, and finds what their SOURCE.md promises."""

import csv
import gzip
import json
import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from bank_contacts import contacts_of_the_bank
from installations import PATRON, Installation, Program, eventually

DataSet = Callable[[str], Path]
STATUSES = ("created", "updated", "unchanged", "duplicate", "rejected")
META = 6  # columns that an errors file has before those of the original
CARDS = {"John_Doe_ANDROID.vcf": 6, "gmail-list.vcf": 3, "rfc2426-example.vcf": 2}
UNDER_WAY = 3 * 500  # rows in requests of an import that are not answered yet
CDNOW_ORDERS, CDNOW_PEOPLE, CDNOW_SUM = 69_659, 23_570, "2500315.63"


@dataclass(frozen=True, slots=True)
class Crm:
    """The installation as a user sees it: the command line, and questions over HTTP."""

    patron: Program
    client: httpx.Client

    def brought_in(self, *arguments: object) -> dict[str, Any]:
        """Import, check that every row was counted once, and give the report."""
        ended = self.patron("import", *map(str, arguments), "--json")
        assert ended.returncode in {0, 1}, ended.stderr
        report = json.loads(ended.stdout)
        assert ended.returncode == (1 if report["rejected"] else 0)
        assert report["rows"] == sum(report[status] for status in STATUSES)
        assert report["complete"] is True
        assert report["visible"] in {True, None}
        return report

    def three_times(self, *arguments: object) -> dict[str, int]:
        """Import as a dry run, really and again; the first two agree, and the third changes nothing."""
        dry = self.brought_in(*arguments, "--dry-run")
        real = self.brought_in(*arguments)
        again = self.brought_in(*arguments)
        assert dry.keys() == real.keys() == again.keys()
        assert counts(dry) == counts(real)
        assert (dry["dry_run"], real["dry_run"], dry["position"]) == (True, False, None)
        kept = real["created"] + real["updated"] + real["unchanged"]
        refused = {status: real[status] for status in ("duplicate", "rejected") if real[status]}
        assert counts(again) == ({"unchanged": kept} if kept else {}) | refused
        return counts(real)

    def asked(self, path: str, **query: str) -> Any:
        """Give the answer to one question."""
        answer = self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def listed(self, path: str, **query: str) -> Iterator[dict[str, Any]]:
        """Give every item of a list, page by page."""
        page = self.asked(path, **query, limit="200")
        yield from page["items"]
        while page["next_cursor"]:
            page = self.asked(path, **query, limit="200", cursor=page["next_cursor"])
            yield from page["items"]

    def people(self, condition: str) -> list[dict[str, Any]]:
        """Give the people for whom a filter of the directory holds."""
        return list(self.listed("/projections/v1/people", filter=condition))

    def companies(self) -> list[dict[str, Any]]:
        """Give all companies."""
        return list(self.listed("/projections/v1/companies"))


@pytest.fixture(scope="module")
def crm(data_sets: Path, installation: Installation) -> Generator[Crm]:
    """Only where there are real data sets: without them, nothing is started."""
    del data_sets
    with installation.client("reader") as client:
        yield Crm(installation.patron, client)


def counts(report: dict[str, Any]) -> dict[str, int]:
    return {status: report[status] for status in STATUSES if report[status]}


def ids_of(record: dict[str, Any], source: str) -> list[str]:
    return [one["id"] for one in record["external_ids"] if one["source"] == source]


def rows_of(path: Path, encoding: str = "utf-8") -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as lines:
        return list(csv.DictReader(lines))


# -- exports_salesforce -------------------------------------------------------------------------------------------


def test_accounts_of_salesforce(crm: Crm, data_set: DataSet, tmp_path: Path) -> None:
    path = data_set("exports_salesforce") / "data" / "accountData.csv"
    errors = ("--errors", tmp_path / "errors.csv")
    assert crm.three_times("companies", path, *errors) == {"created": 423}
    names = {row["ID"]: row["NAME"] for row in rows_of(path, "latin-1")}
    shown = {one: company["name"] for company in crm.companies() for one in ids_of(company, "salesforce")}
    assert shown == {one: name.strip() for one, name in names.items()}
    assert len(shown) == 423


def test_a_hundred_accounts_without_ids(crm: Crm, data_set: DataSet, tmp_path: Path) -> None:
    path = data_set("exports_salesforce") / "testfiles" / "insertAccountCsv.csv"
    errors = ("--errors", tmp_path / "errors.csv")
    assert crm.three_times("companies", path, *errors) == {"created": 100}


@pytest.mark.parametrize("mark", ["", "_BOM_UTF8", "_BOM_UTF16LE", "_BOM_UTF16BE", "_BOM_UTF32BE"])
def test_every_readable_byte_order_mark(crm: Crm, data_set: DataSet, tmp_path: Path, mark: str) -> None:
    columns = tmp_path / "map.toml"
    columns.write_text(
        '[columns]\ncolumn1 = "given_name"\ncolumn2 = "family_name"\ncolumn3 = "nickname"\n[constants]\n'
        f'lead_source = "bom{mark}"\n'
    )
    path = data_set("exports_salesforce") / "testfiles" / f"csvtext{mark}.csv"
    assert counts(crm.brought_in("people", path, "--map", columns, "--source", f"bom{mark}")) == {"created": 2}
    shown = crm.people(f"lead_source:eq:bom{mark}")
    assert sorted((one["given_name"], one["family_name"], one["nickname"]) for one in shown) == [
        ("row1-1", "row1-2", "row1-3"),
        ("row2-1", "row2-2", "row2-3"),
    ]


def test_a_damaged_file_is_refused(crm: Crm, data_set: DataSet) -> None:
    path = data_set("exports_salesforce") / "testfiles" / "csvtext_BOM_UTF32LE.csv"
    refused = crm.patron("import", "people", str(path), "--json")
    assert (refused.returncode, json.loads(refused.stdout)["exit_code"]) == (2, 2)
    assert refused.stderr.count("\n") == 1
    assert path.name in refused.stderr


# -- vcard_ezvcard ------------------------------------------------------------------------------------------------


def cards_of(path: Path) -> list[dict[str, list[str]]]:
    """Read addresses and numbers of the cards in another way than the importer does: by the ends of their lines."""
    cards: list[dict[str, list[str]]] = []
    unfolded = re.sub(r"\r?\n[ \t]", "", path.read_text("utf-8-sig", "replace"))
    for line in unfolded.splitlines():
        head, _, value = line.partition(":")
        name = head.split(";")[0].rpartition(".")[2].upper()
        if name == "BEGIN":
            cards.append({"EMAIL": [], "TEL": []})
        elif name in {"EMAIL", "TEL"} and "QUOTED-PRINTABLE" not in head:
            cards[-1][name].append(value.strip())
    return cards


def test_cards_of_many_programs(crm: Crm, data_set: DataSet, tmp_path: Path) -> None:
    source = "cards"
    refused = Counter[str]()
    rows = 0
    for path in sorted(data_set("vcard_ezvcard").glob("*.vcf")):
        errors = tmp_path / f"{path.stem}.csv"
        report = crm.brought_in("people", path, "--source", source, "--errors", errors)
        cards = cards_of(path)
        assert report["rows"] == len(cards) == CARDS.get(path.name, 1)
        rows += report["rows"]
        failed = {int(row["row"]): row for row in rows_of(errors)}
        assert all(row["code"] and row["message"] for row in failed.values())
        refused.update(row["code"] for row in failed.values())
        for number, card in enumerate(cards, start=1):
            if number not in failed:
                assert_findable(crm, card)
    assert rows == 26
    assert refused == {"phone-invalid": 4, "email-invalid": 1}


def assert_findable(crm: Crm, card: dict[str, list[str]]) -> None:
    """Find a card's person by each e-mail address, and each number as it was typed on that person."""
    found: list[dict[str, Any]] = []
    for address in card["EMAIL"]:
        alike = crm.listed("/projections/v1/people", q=address)
        same = address.casefold()
        found = [one for one in alike if same in [email["value"].casefold() for email in one["emails"]]]
        assert len(found) == 1, address
    for typed in card["TEL"]:
        holders = found or list(crm.listed("/projections/v1/people", q=typed))
        assert any(typed == phone["typed"] for one in holders for phone in one["phones"]), typed


def test_a_file_of_several_cards(crm: Crm, data_set: DataSet, tmp_path: Path) -> None:
    path = data_set("vcard_ezvcard") / "John_Doe_ANDROID.vcf"
    outcome = crm.three_times("people", path, "--source", "cards", "--errors", tmp_path / "errors.csv")
    assert sum(outcome.values()) == 6


# -- csv_spectrum -------------------------------------------------------------------------------------------------


def spectrum_map(folder: Path, path: Path, columns: list[str]) -> Path:
    """Map every column to a custom field of its own kind of file."""
    lines = [
        f'{json.dumps(name)} = {{ to = "custom.spectrum_{at}", type = "string" }}' for at, name in enumerate(columns)
    ]
    written = folder / f"{path.stem}.toml"
    written.write_text("\n".join(["[columns]", *lines, "[constants]", f'lead_source = "{path.stem}"']), "utf-8")
    return written


def test_every_oddity_of_csv_arrives_as_it_should(crm: Crm, data_set: DataSet, tmp_path: Path) -> None:
    folder = data_set("csv_spectrum")
    for path in sorted((folder / "csvs").glob("*.csv")):
        written: Any = json.loads((folder / "json" / f"{path.stem}.json").read_text("utf-8", "replace"))
        expected: list[dict[str, str]] = [written] if "Cities" in written else written  # one is no list
        columns = list(expected[0])
        mapped = ("--map", spectrum_map(tmp_path, path, columns), "--source", f"spectrum {path.stem}")
        report = crm.brought_in("people", path, *mapped)
        assert counts(report) == {"created": len(expected)}, path.name
        shown = [one["custom"] for one in crm.people(f"lead_source:eq:{path.stem}")]
        if path.stem == "location_coordinates":  # its JSON holds another number, and neither holds valid UTF-8
            assert [custom["spectrum_0"] for custom in shown] == ["2095257564"]
            continue
        wanted = [{f"spectrum_{at}": row[name] for at, name in enumerate(columns) if row[name]} for row in expected]
        assert sorted(shown, key=str) == sorted(wanted, key=str), path.name


def test_oddities_of_csv_come_in_once(crm: Crm, data_set: DataSet, tmp_path: Path) -> None:
    path = data_set("csv_spectrum") / "csvs" / "quotes_and_newlines.csv"
    mapped = ("--map", spectrum_map(tmp_path, path, ["a", "b"]), "--source", "spectrum once")
    assert crm.three_times("people", path, *mapped) == {"created": 2}


# -- crm_sales_opportunities --------------------------------------------------------------------------------------


def test_accounts_and_their_parents(crm: Crm, data_set: DataSet) -> None:
    path = data_set("crm_sales_opportunities") / "accounts.csv"
    options = ("--source", "maven", "--currency", "USD")
    assert crm.three_times("companies", path, *options) == {"created": 85}
    companies = {company["id"]: company for company in crm.companies() if ids_of(company, "maven")}
    assert len(companies) == 85
    parents = {
        company["name"]: companies[company["parent_id"]]["name"]
        for company in companies.values()
        if company["parent_id"]
    }
    assert parents == {row["account"]: row["subsidiary_of"] for row in rows_of(path) if row["subsidiary_of"]}
    assert (len(parents), len(set(parents.values()))) == (15, 7)
    revenues = {company["name"]: company["annual_revenue"] for company in companies.values()}
    assert revenues["Acme Corporation"] == {"amount": "1100.04", "currency": "USD"}


# -- telco_churn --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_custom_fields_of_a_whole_file(crm: Crm, data_set: DataSet) -> None:
    path = data_set("telco_churn") / "Telco-Customer-Churn.csv.gz"
    options = ("--custom-fields", "--source", "telco")
    assert crm.three_times("people", path, *options) == {"created": 7_043}
    churned = crm.people("custom.churn:eq:true")
    charges = sum((Decimal(str(one["custom"]["monthly_charges"])) for one in churned), Decimal(0))
    assert (len(churned), charges) == (1_869, Decimal("139130.85"))
    everybody = crm.people("custom.monthly_charges:exists:true")
    charges = sum((Decimal(str(one["custom"]["monthly_charges"])) for one in everybody), Decimal(0))
    assert (len(everybody), charges) == (7_043, Decimal("456116.60"))
    assert sum("total_charges" not in one["custom"] for one in everybody) == 11
    options = ("--by", "custom.churn", "--filter", "custom.churn:exists:true")
    report = {one["custom.churn"]: one for one in crm.patron.json("report", "people", *options)["rows"]}
    assert (report["true"]["people"], round(report["true"]["share"], 4)) == (1_869, 0.2654)
    assert report["false"]["people"] == 7_043 - 1_869


# -- imports that end early ---------------------------------------------------------------------------------------


def recorded(crm: Crm) -> int:
    """Tell how many messages the log holds; it grows at once, read models follow."""
    monitor = json.loads((crm.patron.folder / "state.json").read_text())["nats_monitor_url"]
    return httpx.get(f"{monitor}/jsz").json()["messages"]


def interrupted(crm: Crm, arguments: list[str], number: signal.Signals, messages: int) -> int:
    """Stop an import by a signal as soon as it has recorded so many messages; give its exit code."""
    before = recorded(crm)
    with subprocess.Popen(
        [*PATRON, "import", *arguments, "--json"],
        env=crm.patron.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as running:
        eventually(lambda: recorded(crm) >= before + messages or running.poll() is not None, 150)
        assert running.poll() is None, "it ended before it could be interrupted"
        os.kill(running.pid, number)
        said, _ = running.communicate(timeout=240)
    if number == signal.SIGINT:
        report = json.loads(said)
        assert report["complete"] is False
        assert report["rows"] > 0
    return running.returncode


# -- bank_marketing -----------------------------------------------------------------------------------------------

BANK_MAP = Path(__file__).parents[2] / "docs" / "examples" / "bank-marketing.toml"


def assert_response_rates(crm: Crm, rows: list[dict[str, str]]) -> dict[str, tuple[int, int]]:
    asked = ("response-rate", "--response", "properties.y:eq:yes", "--to", "2011-01-01", "--from", "2008-05-01")
    report = crm.patron.json("report", *asked, "--by", "source,channel")["rows"]
    found = {one["channel"]: (one["responses"], one["contacts"]) for one in report if one["source"] == "bank"}
    contacts = Counter(row["contact"] for row in rows)
    responses = Counter(row["contact"] for row in rows if row["y"] == "yes")
    assert found == {channel: (responses[channel], number) for channel, number in contacts.items()}
    return found


def test_responses_to_a_campaign_although_the_import_was_killed(crm: Crm, data_set: DataSet, tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    rows = contacts_of_the_bank(data_set("bank_marketing"), path, 8_000)
    arguments = ["interactions", str(path), "--map", str(BANK_MAP)]
    assert interrupted(crm, arguments, signal.SIGKILL, 12_000) == -signal.SIGKILL
    real = crm.brought_in(*arguments)
    assert (real["rows"], real["resumed"]) == (len(rows), True)
    assert real["created"] + real["unchanged"] == len(rows)
    assert real["unchanged"] <= UNDER_WAY  # recorded, but killed before the answer was noted
    assert_response_rates(crm, rows)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_responses_to_a_whole_campaign(crm: Crm, data_set: DataSet, tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    rows = contacts_of_the_bank(data_set("bank_marketing"), path, None)
    crm.brought_in("interactions", path, "--map", BANK_MAP)
    found = assert_response_rates(crm, rows)
    assert found == {"cellular": (3_853, 26_144), "telephone": (787, 15_044)}
    assert sum(hits for hits, _ in found.values()) == 4_640


# -- email_validity -----------------------------------------------------------------------------------------------


def isemail_cases(folder: Path) -> list[tuple[str, str, str]]:
    """Read (id, category, address); U+2400 + n stands for control character n."""
    cases: list[tuple[str, str, str]] = []
    for test in ET.parse(folder / "tests.xml").getroot().iter("test"):  # noqa: S314 - a file of ours
        shown = test.findtext("address") or ""
        address = "".join(chr(ord(char) - 0x2400) if "\u2400" <= char <= "\u2421" else char for char in shown)
        category = (test.findtext("category") or "").removeprefix("ISEMAIL_")
        cases.append((str(test.get("id")), category, address))
    return cases


def test_addresses_of_isemail(crm: Crm, data_set: DataSet, tmp_path: Path) -> None:
    cases = isemail_cases(data_set("email_validity"))
    path, errors, columns = tmp_path / "addresses.csv", tmp_path / "errors.csv", tmp_path / "map.toml"
    columns.write_text('[columns]\ncase = ""\ncategory = ""\naddress = "emails[1].value"\n')
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, quoting=csv.QUOTE_ALL)
        writer.writerow(["case", "category", "address"])
        writer.writerows(cases)
    options = ("--map", columns, "--errors", errors)
    assert crm.three_times("people", path, *options)["created"] == 22
    refused = {row["case"]: row for row in rows_of(errors)}
    turned_away = Counter(row["code"] for row in refused.values() if row["category"] == "ERR")
    accepted = Counter(category for case, category, _ in cases if case not in refused)
    # Blanks and line ends around a cell are dropped, so that some wrong addresses repeat a right one.
    assert turned_away.total() == 66
    assert turned_away["duplicate-row"] == 16
    assert accepted == {"VALID_CATEGORY": 14, "DNSWARN": 8}
    corrected = tmp_path / "corrected.csv"
    text = errors.read_text("utf-8").replace("test@[RFC-5322-domain-literal]", "corrected@iana.org")
    corrected.write_text(text, "utf-8")
    report = crm.brought_in("people", corrected, "--map", columns, "--errors", tmp_path / "again.csv")
    assert report["rows"] == len(refused)
    # Without the row that they repeated, the first of those that mean test@iana.org finds its person.
    assert (report["created"], report["unchanged"]) == (1, 1)
    assert len(rows_of(tmp_path / "again.csv")) == len(refused) - 2


# -- phone_numbers ------------------------------------------------------------------------------------------------

PHONES = """
source = "phones"
key = ["region", "type"]

[columns]
region = "phones[1].region"
national = "phones[1].value"
type = "given_name"
international = ""
rfc3966 = ""
e164 = ""
valid = ""
region_of_number = ""

[constants]
lead_source = "phone-numbers"
"""


def test_numbers_of_123_regions(crm: Crm, data_set: DataSet, tmp_path: Path) -> None:
    path = data_set("phone_numbers") / "example_numbers_even_regions.csv"
    errors, columns = tmp_path / "errors.csv", tmp_path / "map.toml"
    columns.write_text(PHONES)
    options = ("--map", columns, "--errors", errors)
    assert crm.three_times("people", path, *options) == {"created": 489, "rejected": 123}
    refused = rows_of(errors)
    assert {(row["type"], row["valid"], row["code"], row["column"]) for row in refused} == {
        ("INVALID", "false", "phone-invalid", "national")
    }
    shown = {
        ids_of(one, "phones")[0]: [phone["value"] for phone in one["phones"]]
        for one in crm.people("lead_source:eq:phone-numbers")
    }
    expected = {f"{row['region']}|{row['type']}": [row["e164"]] for row in rows_of(path) if row["valid"] == "true"}
    assert shown == expected
    corrected = tmp_path / "corrected.csv"
    lines = errors.read_text("utf-8").splitlines(keepends=True)
    first = next(csv.reader([lines[1]]))
    at = META + list(rows_of(path)[0]).index("national")
    first[at] = next(
        row["national"] for row in rows_of(path) if row["region"] == first[META] and row["valid"] == "true"
    )
    lines[1] = ",".join(f'"{cell}"' for cell in first) + "\n"
    corrected.write_text("".join(lines), "utf-8")
    report = crm.brought_in("people", corrected, "--map", columns, "--errors", tmp_path / "again.csv")
    assert counts(report) == {"created": 1, "rejected": 122}
    assert counts(crm.brought_in("people", path, *options)) == {"unchanged": 489, "rejected": 123}


# -- cdnow --------------------------------------------------------------------------------------------------------


def purchases(crm: Crm) -> dict[str, Any]:
    """Sum up the purchases of the years of cdnow; other tests invent later ones."""
    sums = crm.asked("/projections/v1/purchases/summary", **{"from": "1997-01-01", "to": "1998-07-01"})["sums"]
    nothing = {"orders": 0, "customers": 0, "amount": "0.00"}
    return next(iter(sums), nothing)


@pytest.mark.slow
@pytest.mark.timeout(600)  # three times 69,659 rows
def test_all_purchases_of_cdnow_although_the_import_is_interrupted_twice(crm: Crm, data_set: DataSet) -> None:
    path = data_set("cdnow") / "CDNOW_master.txt.gz"
    arguments = ["orders", str(path), "--source", "cdnow"]
    dry = crm.brought_in(*arguments, "--dry-run")
    assert counts(dry) == {"created": CDNOW_ORDERS}
    assert purchases(crm)["orders"] == 0
    assert interrupted(crm, arguments, signal.SIGINT, 5_000) == 130
    assert interrupted(crm, arguments, signal.SIGKILL, 10_000) == -signal.SIGKILL
    real = crm.brought_in(*arguments)
    assert (real["rows"], real["resumed"]) == (CDNOW_ORDERS, True)
    assert real["created"] + real["unchanged"] == CDNOW_ORDERS
    assert real["unchanged"] <= UNDER_WAY
    assert real.keys() == dry.keys()
    total = purchases(crm)
    assert (total["orders"], total["customers"], total["amount"]) == (CDNOW_ORDERS, CDNOW_PEOPLE, CDNOW_SUM)
    assert counts(crm.brought_in(*arguments)) == {"unchanged": CDNOW_ORDERS}
    assert purchases(crm) == total
    assert_reported(crm)


def assert_reported(crm: Crm) -> None:
    """Find the published figures of cdnow in the reports: sums, scores, and the whole history in an export."""
    years = ("--from", "1997-01-01", "--to", "1998-07-01")
    (row,) = crm.patron.json("report", "purchases", *years, "--by", "total")["rows"]
    found = (row["customers"], row["orders"], row["revenue"], row["currency"])
    assert found == (CDNOW_PEOPLE, CDNOW_ORDERS, CDNOW_SUM, "USD")
    cells = {one["cell"]: one for one in crm.patron.json("report", "rfm", *years, "--by", "cell")["rows"]}
    assert (cells["555"]["customers"], cells["111"]["customers"]) == (2_509, 1_733)
    assert sum(one["customers"] for one in cells.values()) == CDNOW_PEOPLE
    behind = crm.client.get(f"{cells['555']['drill']}&format=jsonl").text.splitlines()
    amounts = sum(Decimal(json.loads(line)["amount"]) for line in behind)
    assert (len(behind), amounts) == (cells["555"]["orders"], Decimal(cells["555"]["revenue"]))
    (first, *_) = crm.patron.json("report", "cohorts", *years)["rows"]
    assert (first["cohort"], first["period"], first["share"]) == ("1997-01-01", 0, 1.0)
    fitted = crm.patron.json("report", "lifetime-value", *years, "--by", "parameter")["rows"]
    assert all(one["value"] > 0 for one in fitted)


@pytest.mark.slow
def test_purchases_for_nothing_are_kept(crm: Crm, data_set: DataSet) -> None:
    path = data_set("cdnow") / "CDNOW_master.txt.gz"
    with gzip.open(path, "rt", encoding="ascii") as lines:
        rows = [line.split() for line in lines][1:]
    free = Counter(row[0] for row in rows if Decimal(row[3]) == 0)
    assert free.total() == 80
    customers = crm.people("external_ids:in:" + ",".join(f"cdnow:{one}" for one in free))
    assert len(customers) == len(free)
    found = Counter[str]()
    for customer in customers:
        history = crm.listed(f"/projections/v1/timeline/{customer['id']}", type="order-placed")
        amounts = [one["amount"]["amount"] for one in history]
        found[ids_of(customer, "cdnow")[0]] = amounts.count("0.00")
    assert found == free
