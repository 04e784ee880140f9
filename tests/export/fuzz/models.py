"""Damage to .tflite and .onnx files by those who know their schema: indices, shapes, counts, nesting."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

_NUMBERS = (-1, -2, 0, 1, 2, 3, 7, 127, 128, 255, 1000, 65535, 1 << 20, (1 << 31) - 1, -(1 << 31))
_LONG = (*_NUMBERS, 1 << 32, (1 << 63) - 1, -(1 << 63))


def tflite(data: bytes, rng: random.Random) -> bytes:
    """A .tflite file with one to four fields changed, written anew."""
    import flatbuffers

    model = schema.ModelT.InitFromPackedBuf(data, 0)
    for _ in range(20):
        wanted = rng.choice((1, 1, 1, 2, 4))
        changed = schema.ModelT.InitFromPackedBuf(data, 0)
        for _ in range(wanted):
            _field(changed, rng)
        try:
            builder = flatbuffers.Builder(1024)
            builder.Finish(changed.Pack(builder), file_identifier=b"TFL3")
            return bytes(builder.Output())
        except Exception:  # what the writer itself can't write
            continue
    raise AssertionError(model)


def _field(model: Any, rng: random.Random) -> None:
    objects = [model]
    seen: list[Any] = []
    while objects:
        item = objects.pop()
        seen.append(item)
        for value in vars(item).values():
            if hasattr(value, "Pack"):
                objects.append(value)
            elif isinstance(value, list):
                objects += [entry for entry in value if hasattr(entry, "Pack")]
    kinds = sorted({type(item).__name__ for item in seen})
    # Every kind of table as often as any other, or buffers and tensors would be nearly all.
    kind = rng.choice(kinds)
    item = rng.choice([item for item in seen if type(item).__name__ == kind])
    name = rng.choice(sorted(vars(item)))
    value = getattr(item, name)
    if isinstance(value, bool):
        new: Any = not value
    elif isinstance(value, (int, np.integer)):
        new = rng.choice((*_NUMBERS, int(value) + 1, int(value) - 1))
    elif isinstance(value, float):
        new = rng.choice((0.0, -1.0, 1e30, float("nan"), float("inf")))
    elif isinstance(value, (bytes, str)):
        new = rng.choice((b"", b"x" * 1000, b"\xff\xfe", b"serving_default"))
    elif isinstance(value, np.ndarray):
        new = value.copy()
        if len(new):
            new[rng.randrange(len(new))] = _fit(new.dtype, rng)
        if rng.random() < 0.3:
            new = rng.choice((new[:-1], np.concatenate([new, new]), new[:0], np.repeat(new, 40)))
    elif isinstance(value, list) and value:
        new = list(value)
        at = rng.randrange(len(new))
        match rng.randrange(5):
            case 0:
                del new[at]
            case 1:
                new *= rng.choice((2, 20))
            case 2:
                rng.shuffle(new)
            case 3 if not hasattr(new[at], "Pack"):
                new[at] = rng.choice(_NUMBERS) if isinstance(new[at], (int, np.integer)) else new[at]
            case _:
                new.append(new[at])
    elif value is None or isinstance(value, list):
        new = rng.choice((None, [0], [-1, 5], np.int32([1, 2, 3])))
    else:
        new = None
    setattr(item, name, new)


def _fit(dtype: Any, rng: random.Random) -> Any:
    if dtype.kind == "f":
        return rng.choice((0.0, -1.0, 1e30, float("nan"), float("inf")))
    limits = np.iinfo(dtype)
    return rng.choice([number for number in (*_LONG, limits.min, limits.max) if limits.min <= number <= limits.max])


def onnx(data: bytes, rng: random.Random) -> bytes:
    """An .onnx file with one to four fields changed, written anew."""
    from onnx import ModelProto

    model = ModelProto.FromString(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        _message(model, rng)
    return bytes(model.SerializeToString())


def _message(model: Any, rng: random.Random) -> None:
    seen: list[Any] = []
    messages = [model]
    while messages:
        message = messages.pop()
        seen.append(message)
        for field, value in message.ListFields():
            if field.type == field.TYPE_MESSAGE:
                messages += list(value) if field.is_repeated else [value]
    kinds = sorted({type(message).__name__ for message in seen})
    kind = rng.choice(kinds)
    message = rng.choice([message for message in seen if type(message).__name__ == kind])
    if rng.random() < 0.1:
        _absurd(model, message, rng)
        return
    there = [field for field, _ in message.ListFields()]
    fields = there if there and rng.random() < 0.7 else list(message.DESCRIPTOR.fields)
    field = rng.choice(fields)
    name = field.name
    if field.is_repeated:
        values = getattr(message, name)
        match rng.randrange(4):
            case 0 if len(values):
                del values[rng.randrange(len(values))]
            case 1 if len(values):
                extra = list(values) * rng.choice((1, 10))
                values.extend(extra[:1000])
            case _ if field.type != field.TYPE_MESSAGE:
                if len(values) and rng.random() < 0.7:
                    values[rng.randrange(len(values))] = _value(field, rng)
                else:
                    values.append(_value(field, rng))
            case _:
                values.add()
    elif field.type == field.TYPE_MESSAGE:
        message.ClearField(name) if rng.random() < 0.7 else getattr(message, name).SetInParent()
    else:
        setattr(message, name, _value(field, rng))


def _absurd(model: Any, message: Any, rng: random.Random) -> None:
    """Data elsewhere, graphs within graphs, shapes without end."""
    from onnx import GraphProto, TensorProto

    match rng.randrange(4):
        case 0:
            for tensor in model.graph.initializer[:1]:
                tensor.data_location = TensorProto.EXTERNAL
                entry = tensor.external_data.add()
                entry.key, entry.value = "location", rng.choice(("/etc/passwd", "../../x", "weights.bin"))
                tensor.ClearField("raw_data")
        case 1:
            graph = GraphProto()
            for _ in range(rng.choice((3, 30, 45))):
                outer = GraphProto()
                node = outer.node.add(op_type="If", input=["c"], output=["o"])
                attribute = node.attribute.add(name="then_branch", type=5)
                attribute.g.CopyFrom(graph)
                graph = outer
            model.graph.node.extend(graph.node)
        case 2:
            for tensor in model.graph.initializer[:1]:
                tensor.dims[:] = [rng.choice(_LONG) for _ in range(rng.choice((1, 4, 70)))]
        case _:
            for end in model.graph.input[:1]:
                for _ in range(rng.choice((1, 70))):
                    end.type.tensor_type.shape.dim.add(dim_value=rng.choice(_LONG))


def _value(field: Any, rng: random.Random) -> Any:
    if field.type == field.TYPE_STRING:
        return rng.choice(("", "x" * 1000, "../../escape", "If", "Loop", "Cast", "com.microsoft", "image"))
    if field.type == field.TYPE_BYTES:
        return rng.choice((b"", b"\xff" * 1000, b"\0"))
    if field.type in (field.TYPE_FLOAT, field.TYPE_DOUBLE):
        return rng.choice((0.0, -1.0, 1e30, float("nan"), float("inf")))
    if field.type == field.TYPE_ENUM:
        return rng.choice([value.number for value in field.enum_type.values])
    limits = (
        (-(1 << 63), (1 << 63) - 1)
        if "64" in str(field.cpp_type) or field.type == field.TYPE_INT64
        else (-(1 << 31), (1 << 31) - 1)
    )
    low = 0 if field.type in (field.TYPE_UINT32, field.TYPE_UINT64) else limits[0]
    return rng.choice([number for number in _LONG if low <= number <= limits[1]])
