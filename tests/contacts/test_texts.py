"""Texts that people wrote."""

import pytest

from patron_values.errors import ShapeInvalid, TextEmpty, TextInvalid, TextTooLong, TooMany
from patron_values.texts import optional_text, required_text, tags, text


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Jane ", "Jane"),
        ("", ""),
        (" \t\n", ""),
        ("Jose\u0301", "José"),
        ("👩‍👩‍👧 Family", "👩‍👩‍👧 Family"),
        ("محمد\u200f علي", "محمد\u200f علي"),
        ("נח\u200cנח", "נח\u200cנח"),
        ("\ufeffJane", "Jane"),
        ("\u202eenaJ\u202c", "enaJ"),
        ("\u2066Jane\u2069", "Jane"),
        ("'; DROP TABLE people; --", "'; DROP TABLE people; --"),
    ],
)
def test_a_text_is_kept_without_what_nobody_sees(typed: str, kept: str) -> None:
    assert text(typed, "given_name") == kept
    assert text(kept, "given_name") == kept


@pytest.mark.parametrize(
    "typed", ["a\x00b", "a\x1bb", "a\x7fb", "a\x85b", "a\tb", "a\nb", "a\ud800b", "\udfff", None, 7, ["a"]]
)
def test_control_characters_and_broken_text_are_refused(typed: object) -> None:
    with pytest.raises(TextInvalid) as refused:
        text(typed, "given_name")
    assert refused.value.field == "given_name"


def test_only_texts_of_several_lines_have_line_ends() -> None:
    assert text("a\r\n\tb\nc\n", "text", multiline=True) == "a\r\n\tb\nc"
    with pytest.raises(TextInvalid):
        text("a\x0bb", "text", multiline=True)


def test_length_counts_after_normalisation() -> None:
    assert text("e\u0301" * 200, "x") == "é" * 200
    with pytest.raises(TextTooLong) as refused:
        text("é" * 201, "x")
    assert refused.value.field == "x"


def test_a_text_may_be_left_out_or_must_not() -> None:
    assert optional_text(None, "x") is None
    assert optional_text("  ", "x") is None
    assert optional_text(" a ", "x") == required_text("a", "x") == "a"
    for nothing in (None, "", " \u202e "):
        with pytest.raises(TextEmpty):
            required_text(nothing, "x")


def test_tags_are_sorted_and_unique_whatever_their_case() -> None:
    assert tags(["vip", "Newsletter", "VIP", " newsletter", "Straße", "STRASSE"]) == ("Newsletter", "Straße", "vip")
    assert tags(None) == tags([]) == ()


def test_tags_have_their_limits() -> None:
    assert len(tags([str(number) for number in range(100)])) == 100
    with pytest.raises(TooMany):
        tags([str(number) for number in range(101)])
    with pytest.raises(TextTooLong) as refused:
        tags(["a", "b" * 101])
    assert refused.value.field == "tags[1]"
    with pytest.raises(TextEmpty):
        tags([""])
    with pytest.raises(ShapeInvalid):
        tags("vip")
