"""Says what is wrong in a study: each key, its value, and what is allowed."""

from __future__ import annotations

import difflib
import types
import typing
from typing import Any

import pydantic
from pydantic import BaseModel

SHOWN = 160
"""Characters of a wrong value that a message repeats."""


def explain(invalid: pydantic.ValidationError, model: type[BaseModel]) -> list[str]:
    """Say in one line for each wrong key its name, its value, and what is allowed.

    Parameters
    ----------
    invalid : ValidationError
        As raised.
    model : type
        The outermost group of keys.

    Returns
    -------
    list of str
        One line for each cause.
    """
    return [_line(error, model) for error in _first_causes(invalid)]


def _first_causes(invalid: pydantic.ValidationError) -> list[dict[str, Any]]:
    """Give the errors, less those of a list that is too short because its members are wrong."""
    errors = [dict(error) for error in invalid.errors()]
    places: list[tuple[Any, ...]] = [error["loc"] for error in invalid.errors()]
    return [
        error
        for error, place in zip(errors, places, strict=True)
        if error["type"] != "too_short"
        or not any(other[: len(place)] == place and other != place for other in places)
    ]


def _line(error: dict[str, Any], model: type[BaseModel]) -> str:
    """Say in one line which key is wrong, its value, and what is allowed."""
    parts = [part for part in error["loc"] if not _is_type_tag(part)]
    key = ".".join(str(part) for part in parts) or "study"
    if error["type"] == "extra_forbidden":
        allowed = _sibling_keys(parts[:-1], model)
        near = difflib.get_close_matches(str(parts[-1]), allowed, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        return f"{key} is not a key.{hint} Allowed here: {', '.join(allowed)}."
    if error["type"] == "missing":
        return f"{key} is missing: add it."
    if error["type"] == "value_error" and not isinstance(error["input"], str):
        return f"{error['msg'].removeprefix('Value error, ')}."
    value = repr(error["input"])
    shown = value if len(value) <= SHOWN else f"{value[:SHOWN]}..."
    return f"{key} = {shown}: {error['msg'].removeprefix('Value error, ')}."


def _is_type_tag(part: object) -> bool:
    """Tell pydantic's names of union members from keys of the study."""
    return isinstance(part, str) and (
        "[" in part or part in {"bool", "int", "str", "constrained-int", "constrained-str"}
    )


def _sibling_keys(parts: list[Any], outermost: type[BaseModel]) -> list[str]:
    """Name the keys allowed at one position of a study."""
    model: Any = outermost
    for part in parts:
        if isinstance(part, int) or not hasattr(model, "model_fields"):
            continue
        field = model.model_fields.get(part)
        if field is not None:
            model = _inner_model(field.annotation)
    return list(getattr(model, "model_fields", {}))


def _inner_model(annotation: Any) -> Any:
    """Find the group of keys inside an annotation such as ``tuple[Signal, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if typing.get_origin(annotation) in (tuple, dict, types.UnionType, typing.Union):
        for inner in typing.get_args(annotation):
            found = _inner_model(inner)
            if found is not None:
                return found
    return None
