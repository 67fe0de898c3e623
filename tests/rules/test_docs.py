"""The page about rules tells of everything, and its examples are rules."""

import inspect
import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from patron_rules import shapes
from patron_rules.checking import check
from patron_rules.fields import FACT_FIELDS, GROUPS, OPERATORS, PROFILE_FIELDS
from patron_rules.operands import MESSAGES

PAGE: Final = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
EXAMPLES: Final = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one["type"])
def test_every_example_is_a_rule(example: Any) -> None:
    check(example)


def test_every_code_is_explained() -> None:
    shape_codes = set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', inspect.getsource(shapes)))
    assert {"unknown-type", "too-deep"} <= shape_codes
    assert [code for code in sorted({*MESSAGES, *shape_codes}) if f"`{code}`" not in PAGE] == []


def test_every_field_and_operator_is_named() -> None:
    fields = [*PROFILE_FIELDS, *(name for fields in FACT_FIELDS.values() for name in fields)]
    missing = [one for one in fields if f"`{one}`" not in PAGE and f"`.{one.partition('.')[2]}`" not in PAGE]
    assert missing == []
    assert [group for group in GROUPS if f"`{group}.<" not in PAGE] == []
    assert [op for operators in OPERATORS.values() for op in operators if f"`{op}`" not in PAGE] == []
    assert [kind for kind in OPERATORS if kind.value not in PAGE] == []
