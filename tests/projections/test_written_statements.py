"""Statements that are written once for many parameters."""

from sqlalchemy import Integer, bindparam, column, select, table

from patron_projections.engine.tables import compiled

THINGS = table("things", column("a", Integer), column("b", Integer))


def asked(values: list[int], other: int) -> tuple[str, list[object]]:
    text, parameters = compiled(select(THINGS).where(THINGS.c.a.in_(values), THINGS.c.b == other))
    return text, [parameters[name] for name in sorted(parameters)]


def test_statements_of_one_form_have_their_own_parameters() -> None:
    assert asked([1, 2], 3)[1] == [1, 2, 3]
    assert asked([4, 5], 6)[1] == [4, 5, 6]
    assert asked([7, 8], 9)[0] == asked([1, 2], 3)[0]


def test_lists_of_any_length_are_written_out() -> None:
    assert asked([1, 2, 3], 4)[1] == [1, 2, 3, 4]
    assert asked([], 4)[1] == [4]
    assert asked([1], 4)[0] != asked([1, 2], 4)[0]


def test_named_parameters_stay_as_they_are() -> None:
    text, parameters = compiled(select(THINGS).where(THINGS.c.a == bindparam("given", 5)))
    assert ("%(given)s" in text, parameters) == (True, {"given": 5})
