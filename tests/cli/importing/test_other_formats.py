"""XLSX, JSON Lines and vCard give the same rows as a CSV file would."""

import datetime as dt
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from patron_cli.importing.detection import open_rows
from patron_cli.importing.rows import FileUnusable, ReadOptions

CARDS = {"John_Doe_ANDROID.vcf": 6, "gmail-list.vcf": 3, "rfc2426-example.vcf": 2}


def test_every_real_card_comes_out_whole(data_set: Callable[[str], Path]) -> None:
    cards: dict[str, int] = {}
    lines = {"emails": 0, "phones": 0}
    for path in sorted(data_set("vcard_ezvcard").glob("*.vcf")):
        file = open_rows(path)
        rows = list(file.rows())
        assert [row.problem for row in rows] == [None] * len(rows), path.name
        cards[path.name] = len(rows)
        for name in lines:
            lines[name] += sum(len(row.values[file.columns.index(name)]) for row in rows)
    assert cards == dict.fromkeys(cards, 1) | CARDS
    assert (len(cards), sum(cards.values()), lines) == (18, 26, {"emails": 38, "phones": 75})


def card(folder: Path, name: str) -> dict[str, Any]:
    file = open_rows(folder / name)
    (row,) = file.rows()
    return {column: value for column, value in zip(file.columns, row.values, strict=True) if value}


def test_a_card_of_version_4_becomes_a_person(data_set: Callable[[str], Path]) -> None:
    assert card(data_set("vcard_ezvcard"), "rfc6350-example.vcf") == {
        "given_name": "Simon",
        "family_name": "Perreault",
        "honorific_suffix": "ing. jr,M.Sc.",
        "language": "fr",
        "gender": "male",
        "emails": [{"value": "simon.perreault@viagenie.ca", "type": "work"}],
        "phones": [
            {"value": "tel:+1-418-656-9254;ext=102", "type": "work", "primary": True},
            {"value": "tel:+1-418-262-6501", "type": "cell"},
        ],
        "addresses": [
            {
                "street_address": "2875 Laurier",
                "extended_address": "Suite D2-630",
                "locality": "Quebec",
                "region": "QC",
                "postal_code": "G1V 2M2",
                "country": "Canada",
                "type": "work",
            }
        ],
        "urls": ["http://nomis80.org"],
        "companies": [{"name": "Viagenie", "primary": True}],
        "preferences": {"birthday": "--02-03"},
    }


def test_quoted_printable_grouped_and_folded_lines_are_read(data_set: Callable[[str], Path]) -> None:
    folder = data_set("vcard_ezvcard")
    outlook = card(folder, "outlook-2003.vcf")
    assert outlook["description"] == "This is the note field!!\nSecond line\n\nThird line is empty"
    assert outlook["companies"] == [{"name": "Company, The", "primary": True, "role": "The Job Title"}]
    assert [phone["type"] for phone in outlook["phones"]] == ["work", "home", "cell", "fax"]
    iphone = card(folder, "John_Doe_IPHONE.vcf")
    assert iphone["urls"] == ["http://www.ibm.com"]
    assert iphone["phones"][-1] == {"value": "905-222-1234", "type": "other"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("BEGIN:VCARD\nFN:A\nBEGIN:VCARD\nFN:B\nEND:VCARD\n", "malformed-row"),
        ("BEGIN:VCARD\nFN:A\n", "malformed-row"),
        ("BEGIN:VCARD\nno colon here\nEND:VCARD\n", "malformed-row"),
    ],
)
def test_broken_cards_are_rows_with_a_problem(tmp_path: Path, text: str, code: str) -> None:
    path = tmp_path / "cards.vcf"
    path.write_text(text, "utf-8")
    first = next(open_rows(path).rows())
    assert first.problem
    assert first.problem.code == code


def test_typed_cells_of_a_workbook_become_plain_text(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Name", "Born", "Seen", "Code", "Amount", "Member", None])
    sheet.append(["Ada", dt.date(1815, 12, 10), dt.datetime(2026, 1, 2, 3, 4, 5), "007", 1.5, True])  # noqa: DTZ001 - Excel knows no zones
    sheet.append([None] * 6)
    sheet.append(["Bob", None, None, 42.0])
    book.save(tmp_path / "people.xlsx")
    file = open_rows(tmp_path / "people.xlsx")
    assert file.columns == ("Name", "Born", "Seen", "Code", "Amount", "Member")
    assert [(row.number, list(row.values)) for row in file.rows()] == [
        (2, ["Ada", "1815-12-10", "2026-01-02T03:04:05", "007", "1.5", "true"]),
        (4, ["Bob", "", "", "42", "", ""]),
    ]
    with pytest.raises(FileUnusable):
        open_rows(tmp_path / "people.xlsx", ReadOptions(sheet="Nobody"))


def test_a_workbook_with_flipped_bytes_is_damaged(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for number in range(500):
        book.active.append([number, "x" * 50])
    book.save(tmp_path / "people.xlsx")
    content = bytearray((tmp_path / "people.xlsx").read_bytes())
    middle = len(content) // 3
    content[middle : middle + 20] = bytes(20)
    (tmp_path / "people.xlsx").write_bytes(bytes(content))
    with pytest.raises(FileUnusable):
        list(open_rows(tmp_path / "people.xlsx").rows())


def test_json_lines_have_the_union_of_their_keys_as_columns(tmp_path: Path) -> None:
    path = tmp_path / "people.jsonl.gz"
    lines = '{"a": 1, "address": {"city": "Rom"}}\n\n{"b": ["x"], "a": null}\n[1]\n{"a": "cut\n'
    path.write_bytes(gzip.compress(lines.encode()))
    file = open_rows(path)
    assert file.columns == ("a", "address.city", "b")
    assert [(row.number, row.problem and row.problem.code, list(row.values)) for row in file.rows()] == [
        (1, None, [1, "Rom", ""]),
        (3, None, ["", "", ["x"]]),
        (4, "malformed-row", ["[1]"]),
        (5, "malformed-row", ['{"a": "cut']),
    ]
