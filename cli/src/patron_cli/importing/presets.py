"""Load the vocabularies that turn column names into field paths: presets of products, and the automatic one."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from patron_cli.importing.fields import SHAPES
from patron_cli.importing.shapes import Kind

PRESETS = ("salesforce", "hubspot", "google", "outlook", "vcard")
AUTOMATIC = "automatic"
_NUMBER = r"(\d+)"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Names of columns and what they mean.

    paths: by kind (and `KIND_fallback`), field path to the names it goes by, the best first; names are normal.
    recognise: names that together give the product away.
    defaults: `source`, `dates`, `currency` and the like, as in a mapping file.
    translate: by field path, words of the product to words of the API.
    """

    name: str
    paths: dict[str, dict[str, tuple[str, ...]]]
    recognise: tuple[str, ...]
    ignored: frozenset[str]
    defaults: dict[str, Any] = field(default_factory=dict[str, Any])
    translate: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    currencies: dict[str, str] = field(default_factory=dict[str, str])
    blanks: frozenset[str] = frozenset()


def normal(name: str) -> str:
    """Reduce a name to its letters and digits, so that `E-mail 1`, `e_mail1` and `EMAIL1` are one."""
    return "".join(character for character in name.casefold() if character.isalnum() or character == "#")


@cache
def load(name: str) -> Vocabulary:
    """Read a vocabulary from the package. name: one of `PRESETS`, or `AUTOMATIC`."""
    source = resources.files("patron_cli.importing").joinpath("presets", f"{name}.toml")
    document = tomllib.loads(source.read_text("utf-8"))
    paths = {
        kind: {path: tuple(dict.fromkeys(map(normal, names))) for path, names in document.pop(kind, {}).items()}
        for kind in (*SHAPES, "orders_fallback")
    }
    return Vocabulary(
        name=name,
        paths=paths,
        recognise=tuple(document.pop("recognise", ())),
        ignored=frozenset(map(normal, document.pop("ignore", {}).get("columns", ()))),
        translate=document.pop("translate", {}),
        currencies=document.pop("currencies", {}),
        blanks=frozenset(document.pop("blanks", {}).get("values", ())),
        defaults=document,
    )


def recognise(columns: Sequence[str]) -> str | None:
    """Tell the product by its columns; None where no preset is certain."""
    present = {normal(column) for column in columns}
    for name in PRESETS:
        marks = load(name).recognise
        if marks and present.issuperset(marks):
            return name
    return None


def assign(vocabulary: Vocabulary, kind: Kind, columns: Sequence[str]) -> dict[str, str]:
    """Give each known column its path; a column whose path is taken by a better name keeps out.

    Two columns of e-mail addresses or phone numbers under the same heading make two entries.
    """
    names = {column: normal(column) for column in columns}
    found: dict[str, str] = {}
    for table in (kind, f"{kind}_fallback"):
        for path, synonyms in vocabulary.paths.get(table, {}).items():
            matching = _matching(path, synonyms, {c: n for c, n in names.items() if c not in found})
            taken = set(found.values())
            for column, exact in matching:
                if exact not in taken:
                    found[column] = exact
                    taken.add(exact)
                elif exact.startswith(("emails[", "phones[")) and exact.endswith("]"):
                    found[column] = f"{exact[:-1]} {len(found)}]"
    return found


def _matching(path: str, synonyms: Sequence[str], names: dict[str, str]) -> list[tuple[str, str]]:
    """Find the columns that go by one of the names, best name first; `#` stands for any number."""
    matches: list[tuple[str, str]] = []
    for synonym in synonyms:
        for column, name in names.items():
            if "#" not in synonym:
                if name == synonym:
                    matches.append((column, path))
            elif number := re.fullmatch(re.escape(synonym).replace(r"\#", _NUMBER), name):
                matches.append((column, path.replace("#", number[1])))
    return matches
