"""Fingerprints: what the rows of a read model depend on, condensed, so that a silent change is noticed.

Taken from: the declarations of its tables and indexes as PostgreSQL is told them; the syntax trees, without
docstrings and positions, of the module of the model and of every module of this service that it imports, directly
or not, but for the engine; and the versions of the facts of its context that were ever changed (a new fact changes
no row that there is). Comments, formatting and docstrings may change freely. What is empty is left out of the
trees, because newer releases of Python add empty fields to them.
"""

import ast
import hashlib
import importlib
import importlib.util
import json
import sys
from functools import cache
from pathlib import Path
from typing import Final, cast

from patron_events.registry import every_type
from patron_projections.engine.read_model import ReadModel
from patron_projections.engine.tables import declared, table_of_build

_PACKAGE: Final = "patron_projections"
# What decides how rows are written but not what is in them.
_LEFT_OUT: Final = (f"{_PACKAGE}.engine",)


def fingerprint_of(model: ReadModel) -> str:
    """Condense what a model's rows depend on to 64 hex digits, the same in every process."""
    parts = [
        model.name,
        model.context,
        *sorted(model.categories),
        *(declared(table_of_build(table, 1)) for table in (model.kept, model.added) if table is not None),
        *(f"{module}\n{_syntax(module)}" for module in sorted(_closure(type(model).__module__))),
        *(f"{one.name} {one.version}" for one in every_type() if one.version > 1 and _is_of(one.name, model.context)),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@cache
def _closure(module: str) -> frozenset[str]:
    """Find a module and all modules of this service that it needs to fold."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in found or name.startswith(_LEFT_OUT):
            continue
        found.add(name)
        waiting += _imports(name)
    return frozenset(found)


def _imports(module: str) -> set[str]:
    """Name the modules of this service that a module imports."""
    names: set[str] = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = {name for name in inside if name.startswith(_PACKAGE) and _is_module(name)}
            names |= modules or {node.module}
    return {name for name in names if name.startswith(f"{_PACKAGE}.")}


def _is_module(name: str) -> bool:
    return importlib.util.find_spec(name) is not None if _parent_is_package(name) else False


def _parent_is_package(name: str) -> bool:
    parent = importlib.import_module(name.rpartition(".")[0])
    return hasattr(parent, "__path__")


@cache
def _syntax(module: str) -> str:
    tree = _tree(module)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and _documented(node):
            node.body = node.body[1:] or [ast.Pass()]
    return _dumped(tree)


def _dumped(node: object) -> str:
    match node:
        case ast.AST():
            fields = [f"{name}={_dumped(value)}" for name, value in ast.iter_fields(node) if value not in (None, [])]
            return f"{type(node).__name__}({','.join(fields)})"
        case list():
            return f"[{','.join([_dumped(one) for one in cast('list[object]', node)])}]"
        case _:
            return repr(node)


def _is_of(fact: str, context: str) -> bool:
    return fact.startswith(f"{context}.")


def _documented(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return ast.get_docstring(node, clean=False) is not None


def _tree(module: str) -> ast.Module:
    file = sys.modules[module].__file__ if module in sys.modules else importlib.import_module(module).__file__
    if file is None:  # a namespace package, which has no code
        return ast.Module([], [])
    return ast.parse(Path(file).read_text(encoding="utf-8"))
