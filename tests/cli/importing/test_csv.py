"""CSV in every dress: the twelve files of csv-spectrum, real exports, damaged files, and any table at all."""

# ruff: noqa: RUF001 - names in their own scripts

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patron_cli.importing.detection import open_rows
from patron_cli.importing.rows import FileUnusable, ReadOptions, Row, RowFile

SALESFORCE = "exports_salesforce"
# The CSV of this one holds another phone number than its JSON (as published in csv-spectrum 2.0.0).
KNOWN_DIFFERENCE = {"location_coordinates": {"Contact Phone Number": "2095257564"}}
SPECTRUM = (
    "comma_in_quotes",
    "empty",
    "empty_crlf",
    "escaped_quotes",
    "json",
    "location_coordinates",
    "newlines",
    "newlines_crlf",
    "quotes_and_newlines",
    "simple",
    "simple_crlf",
    "utf8",
)


def read(file: RowFile) -> list[dict[str, Any]]:
    return [dict(zip(file.columns, row.values, strict=True)) for row in file.rows()]


def opened(folder: Path, content: bytes, name: str = "file.csv", **stated: Any) -> RowFile:
    path = folder / name
    path.write_bytes(content)
    return open_rows(path, ReadOptions(**stated))


@pytest.mark.parametrize("name", SPECTRUM)
def test_csv_spectrum_reads_as_its_json(data_set: Callable[[str], Path], name: str) -> None:
    folder = data_set("csv_spectrum")
    expected: Any = json.loads((folder / "json" / f"{name}.json").read_text("utf-8"))
    rows: list[dict[str, Any]] = [expected] if "Cities" in expected else expected
    wanted = [row | KNOWN_DIFFERENCE.get(name, {}) for row in rows]
    assert read(open_rows(folder / "csvs" / f"{name}.csv")) == wanted


def test_an_encoding_that_only_a_late_byte_refutes_is_found(data_set: Callable[[str], Path]) -> None:
    file = open_rows(data_set(SALESFORCE) / "data" / "accountData.csv")
    rows = read(file)
    assert file.detected.encoding == "ISO-8859-1"
    assert (len(rows), len(file.columns)) == (423, 38)
    assert sum(not "".join(row.values()).isascii() for row in rows) == 4
    assert {len(row["ID"]) for row in rows} == {18}


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("csvtext.csv", "UTF-8 (ASCII only)"),
        ("csvtext_BOM_UTF8.csv", "UTF-8 (marked)"),
        ("csvtext_BOM_UTF16LE.csv", "UTF-16LE (marked)"),
        ("csvtext_BOM_UTF16BE.csv", "UTF-16BE (marked)"),
        ("csvtext_BOM_UTF32BE.csv", "UTF-32BE (byte-order mark cut short)"),
    ],
)
def test_byte_order_marks_of_salesforce(data_set: Callable[[str], Path], name: str, encoding: str) -> None:
    file = open_rows(data_set(SALESFORCE) / "testfiles" / name)
    assert file.detected.encoding == encoding
    assert read(file) == [
        {"column1": "row1-1", "column2": "row1-2", "column3": "row1-3"},
        {"column1": "row2-1", "column2": "row2-2", "column3": "row2-3"},
    ]


def test_a_wrong_byte_order_mark_is_damage(data_set: Callable[[str], Path]) -> None:
    with pytest.raises(FileUnusable, match=r"csvtext_BOM_UTF32LE\.csv: .*byte-order mark"):
        open_rows(data_set(SALESFORCE) / "testfiles" / "csvtext_BOM_UTF32LE.csv")


def test_a_table_of_blanks_keeps_its_duplicates(data_set: Callable[[str], Path]) -> None:
    file = open_rows(data_set("cdnow") / "CDNOW_master.txt.gz")
    rows = [tuple(row.values) for row in file.rows()]
    assert file.columns == ("customer_id", "date", "number_of_cds", "dollar_value")
    assert len(rows) == 69_659
    assert len(rows) - len(set(rows)) == 255
    assert sum(row[3] == "0.00" for row in rows) == 80


def test_a_file_without_header_is_told_apart(data_set: Callable[[str], Path]) -> None:
    file = open_rows(data_set("cdnow") / "CDNOW_sample.txt")
    assert not file.detected.header
    assert file.columns == ("column 1", "column 2", "column 3", "column 4", "column 5")
    assert sum(1 for _ in file.rows()) == 6_919


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("cp1251", "Имя;Фамилия\nИван;Петров\nМария;Иванова\nОльга;Смирнова\n"),
        ("koi8_r", "Имя;Фамилия\nИван;Петров\nМария;Иванова\nОльга;Смирнова\n"),
        ("cp932", "名前;会社\n山田太郎;株式会社東京\n佐藤花子;東京電力\n"),
        ("gb18030", "姓名;公司\n王小明;北京科技有限公司\n李红;上海贸易公司\n"),
        ("cp1253", "Όνομα;Επώνυμο\nΓιώργος;Παπαδόπουλος\nΜαρία;Νικολάου\n"),
        ("cp1250", "imię;nazwisko\nŁukasz;Żółć\nJarosław;Wiśniewski\n"),
        ("cp1252", "Vorname;Name\nJürgen;Müller\nRené;“O’Neil”\nZoë;Straße\n"),
        ("latin-1", "Vorname;Name\nJosé;Núñez\n"),
        ("utf-8", "Vorname;Name\nJosé;مرحبا\n😀;שלום\n"),
        ("utf-16", "Vorname;Name\nJosé;Ж\n"),
        ("utf-32", "Vorname;Name\nJosé;Ж\n"),
        ("utf-16-le", "Vorname;Name\nJose;Ж\n"),
    ],
)
def test_common_encodings_are_found(tmp_path: Path, codec: str, text: str) -> None:
    lines = [line.split(";") for line in (text * 4 if codec not in {"utf-16", "utf-32"} else text).splitlines()]
    content = "\n".join(";".join(line) for line in lines).encode(codec)
    assert [list(row.values) for row in opened(tmp_path, content).rows()] == lines[1:]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found(tmp_path: Path, delimiter: str) -> None:
    content = f'name{delimiter}note\nAda{delimiter}"a, b; c{delimiter}d"\nBob{delimiter}x\n'.encode()
    file = opened(tmp_path, content)
    assert file.detected.delimiter == delimiter
    assert [list(row.values) for row in file.rows()] == [["Ada", f"a, b; c{delimiter}d"], ["Bob", "x"]]


def test_stated_delimiters_win(data_set: Callable[[str], Path]) -> None:
    path = data_set(SALESFORCE) / "testfiles" / "csvSeparator.csv"
    assert open_rows(path, ReadOptions(delimiter="!")).columns == ("column1,column2", "some,column3")


def test_ragged_and_broken_rows_come_out_with_a_code(tmp_path: Path) -> None:
    content = b'a,b\n1,2\n3\n4,5,6\n7,8,,\n,\n\n"x"y,9\n10,11\n'
    rows = list(opened(tmp_path, content).rows())
    assert [(row.number, row.problem and row.problem.code) for row in rows] == [
        (2, None),
        (3, "too-few-cells"),
        (4, "too-many-cells"),
        (5, None),
        (8, "malformed-row"),
        (9, None),
    ]


def test_a_quote_that_never_closes_loses_no_row_in_silence(tmp_path: Path) -> None:
    rows = list(opened(tmp_path, b'a,b\n1,2\n"3,4\n5,6\n').rows())
    assert [row.number for row in rows] == [2, 3]
    assert rows[1].problem
    assert rows[1].values == ['"3,4\n5,6']


def test_a_stray_nul_spoils_its_cell_and_not_the_file(tmp_path: Path) -> None:
    whole = b"".join(b"%d,name %d\n" % (number, number) for number in range(200))
    file = opened(tmp_path, b"id,name\n" + whole + b"200,na\0me\n201,last\n")
    rows = list(file.rows())
    assert [row.values for row in rows[-2:]] == [["200", "na\0me"], ["201", "last"]]
    assert file.detected.encoding.startswith("UTF-8")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.csv", b"", "empty"),
        ("blank.csv", b" \n \n", "blanks"),
        ("binary.csv", b"a,b\x00\x01\x02\x03", "binary"),
        ("padded.csv", b"a,b\n" * 200 + b"\0" * 20, "binary"),
        ("latin.csv", b"a,b\n" * 200 + b"\xe9\0", "binary"),
        ("people.xlsx", b"name,email\n", "zip"),
        ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old binary Excel"),
        ("cut.csv.gz", gzip.compress(b"a,b\n1,2\n" * 999, mtime=0)[:40], "gzip"),
        ("people.vcf", b"name,email\n", "BEGIN:VCARD"),
        ("list.json", b'[{"a": 1}]', "JSON Lines"),
        ("page.csv", b"<!DOCTYPE html><html>", "HTML"),
        ("broken.jsonl", b"{oops}\n", "line 1"),
    ],
)
def test_unusable_files_say_why(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    with pytest.raises(FileUnusable) as refusal:
        list(opened(tmp_path, content, name).rows())
    assert name in str(refusal.value)
    assert reason in str(refusal.value)


def test_missing_files_and_folders_are_unusable(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.csv", tmp_path):
        with pytest.raises(FileUnusable):
            open_rows(path)


CELLS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\ufeff"), max_size=12)


@given(
    rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=8),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    codec=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
)
def test_any_table_survives_the_round_trip(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], delimiter: str, end: str, codec: str
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([["a", "b", "c"], *rows])
    path = tmp_path_factory.mktemp("round") / "table.csv"
    path.write_bytes(text.getvalue().encode(codec))
    file = open_rows(path, ReadOptions(delimiter=delimiter, header=True))
    expected = [row for row in rows if any(row)]
    assert [list(row.values) for row in file.rows()] == expected


@given(content=st.binary(max_size=300))
def test_any_bytes_are_rows_or_a_clear_refusal(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "file.csv"
    path.write_bytes(content)
    try:
        file = open_rows(path)
        rows = list(file.rows())
    except FileUnusable as refusal:
        assert refusal.reason  # noqa: PT017 - either outcome is right
        return
    assert all(isinstance(row, Row) and (row.problem or len(row.values) == len(file.columns)) for row in rows)
