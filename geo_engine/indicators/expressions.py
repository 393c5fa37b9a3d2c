"""Arithmetic over named variables, read and computed without ever running what is written."""

from __future__ import annotations

import ast
import difflib
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from geo_engine.errors import StudyError

LONGEST = 400
"""Characters of an expression."""
DEEPEST = 30
"""Parentheses and operations one within the other."""

_OPERATIONS: dict[type[ast.operator], Callable[[xr.DataArray, xr.DataArray], xr.DataArray]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b.where(b != 0),
}


@dataclass(frozen=True, kw_only=True)
class Expression:
    """An expression that was read and found to be arithmetic."""

    text: str
    names: tuple[str, ...]
    """Variables, in the order of their first use."""
    tree: ast.expr


def parse_expression(text: str) -> Expression:
    """Read sums, differences, products and ratios of named variables and numbers.

    Parameters
    ----------
    text : str
        Such as ``digital / known`` or ``1000 * (firms - known) / population``.

    Returns
    -------
    Expression

    Raises
    ------
    StudyError
        ``EXPRESSION_INVALID`` for anything else, saying what is not understood.
    """
    if len(text) > LONGEST:
        raise _invalid(text[:40] + "...", f"has {len(text)} characters, more than {LONGEST}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's advice on odd literals is for programmers
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise _invalid(text, "cannot be read") from error
    names: dict[str, None] = {}
    _check(tree, text, names, 0)
    if not names:
        raise _invalid(text, "names no variable")
    return Expression(text=" ".join(text.split()), names=tuple(names), tree=tree)


def evaluate_expression(
    expression: Expression, variables: Mapping[str, xr.DataArray]
) -> xr.DataArray:
    """Compute an expression cell by cell.

    Parameters
    ----------
    expression : Expression
        Of :func:`parse_expression`.
    variables : mapping of str to DataArray
        By name; dims that one lacks are repeated (residents have no chain).

    Returns
    -------
    DataArray
        NaN where any variable in it is missing, and where something is divided by zero.

    Raises
    ------
    StudyError
        ``UNKNOWN_VARIABLE`` naming near ones; ``VARIABLE_NOT_NUMERIC``.
    """
    for name in expression.names:
        if name not in variables:
            near = difflib.get_close_matches(name, sorted(map(str, variables)), n=3, cutoff=0.6)
            known = ", ".join(near or sorted(map(str, variables)))
            raise StudyError(
                "UNKNOWN_VARIABLE",
                f"{expression.text!r} names {name!r}, which the panel does not have; there is "
                f"{known}.",
            )
        if variables[name].dtype.kind not in "fiu" or str(name).endswith("status"):
            raise StudyError(
                "VARIABLE_NOT_NUMERIC", f"{name} in {expression.text!r} is a code, not an amount."
            )
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        found = _value(expression.tree, variables)
    return found.where(np.isfinite(found))


def _check(node: ast.expr, text: str, names: dict[str, None], depth: int) -> None:
    """Walk an expression, refuse what is not arithmetic and collect its variables."""
    if depth > DEEPEST:
        raise _invalid(text, f"is nested more than {DEEPEST} times")
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        _check(node.left, text, names, depth + 1)
        _check(node.right, text, names, depth + 1)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        _check(node.operand, text, names, depth + 1)
    elif isinstance(node, ast.Name):
        names[node.id] = None
    elif not _is_number(node):
        raise _invalid(text, f"holds {ast.unparse(node)[:40]!r}")


def _is_number(node: ast.expr) -> bool:
    """Say whether a node is a finite number."""
    return (
        isinstance(node, ast.Constant)
        and type(node.value) in (int, float)
        and bool(np.isfinite(float(str(node.value)[:320])))
    )


def _value(node: ast.expr, variables: Mapping[str, xr.DataArray]) -> xr.DataArray:
    """Compute a checked node."""
    if isinstance(node, ast.BinOp):
        operation = _OPERATIONS[type(node.op)]
        return operation(_value(node.left, variables), _value(node.right, variables))
    if isinstance(node, ast.UnaryOp):
        value = _value(node.operand, variables)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.Name):
        return variables[node.id].astype(np.float64)
    return xr.DataArray(float(ast.literal_eval(node)))


def _invalid(text: str, words: str) -> StudyError:
    """Say what is wrong with an expression, and what may be written."""
    return StudyError(
        "EXPRESSION_INVALID",
        f"{text!r} {words}. Write names of variables and numbers (with a decimal point) joined by "
        "+ - * / and parentheses, for instance 1000 * firms / population.",
    )
