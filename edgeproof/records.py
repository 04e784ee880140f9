"""Frozen dataclasses to JSON's own types and back, where what comes back may be anything."""

from __future__ import annotations

import dataclasses
import functools
import json
import sys
import types
import typing
from typing import Any, TypeVar

_DEEPEST = 32  # what anything that reads a value later must be able to follow

Record = TypeVar("Record")


def plain(value: Any) -> Any:
    """A dataclass in dicts, lists and scalars; a field with "sparse" in its metadata where it is not its default."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        entries = {field: getattr(value, field.name) for field in dataclasses.fields(value)}
        told = {f.name: v for f, v in entries.items() if not f.metadata.get("sparse") or v != f.default}
        return {name: plain(entry) for name, entry in told.items()}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def parsed(text: str | bytes) -> Any:
    """JSON as its standard has it: Python reads more, NaN, numbers past the largest, halves of characters, any depth.

    Raises:
        ValueError: it is none.
    """
    try:
        value = json.loads(text)
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
        _check_depth(value, _DEEPEST)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def built(kind: type[Record], value: Any) -> Record:
    """Back from `plain`.

    Raises:
        ValueError: a missing or unknown field, or a value of the wrong type; its words say where.
    """
    found = _build(kind, value, "")
    assert isinstance(found, kind)
    return found


def _check_depth(value: Any, left: int) -> None:
    if isinstance(value, (dict, list)):
        if not left:
            raise ValueError("nested too deeply")
        for item in value.values() if isinstance(value, dict) else value:
            _check_depth(item, left - 1)


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    """The types of a dataclass's fields; damaged data can have thousands of one kind."""
    return typing.get_type_hints(kind)


def _build(kind: Any, value: Any, path: str) -> Any:
    """Build `kind` (a dataclass, tuple, dict, union or scalar type) from JSON, or say where it does not fit."""
    origin = typing.get_origin(kind)
    if kind is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in typing.get_args(kind):
            return None
        return _build(next(a for a in typing.get_args(kind) if a is not type(None)), value, path)
    if dataclasses.is_dataclass(kind):
        if isinstance(value, dict):
            return _build_dataclass(kind, value, path)
    elif origin is tuple and isinstance(value, list):
        return _build_tuple(typing.get_args(kind), value, path)
    elif origin is dict and isinstance(value, dict):
        item = typing.get_args(kind)[1]
        return {key: _build(item, entry, f"{path}.{key}") for key, entry in value.items()}
    elif kind is float and type(value) in (int, float) and abs(value) <= sys.float_info.max:
        return float(value)
    elif kind in (int, str, bool) and type(value) is kind:
        return value
    raise ValueError(f"{path.lstrip('.') or 'the whole'} = {json.dumps(value)[:80]}")


def _build_dataclass(kind: Any, value: dict[str, Any], path: str) -> Any:
    hints = _hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind)}
    unknown = sorted(set(value) - set(fields))
    if unknown:
        raise ValueError(f"an unknown field {(path + '.' + unknown[0]).lstrip('.')}")
    for name, f in fields.items():
        required = f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        if required and name not in value:
            raise ValueError(f"no field {(path + '.' + name).lstrip('.')}")
    return kind(**{name: _build(hints[name], item, f"{path}.{name}") for name, item in value.items()})


def _build_tuple(kinds: tuple[Any, ...], value: list[Any], path: str) -> tuple[Any, ...]:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise ValueError(f"{path.lstrip('.')} with {len(value)} entries, not {len(kinds)}")
    return tuple(_build(k, item, f"{path}[{i}]") for i, (k, item) in enumerate(zip(kinds, value, strict=True)))
