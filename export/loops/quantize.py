"""A float flatbuffer with loops to an integer one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgeproof.errors import Refused
from export.arrays import Arrays
from export.loops.observe import Loop, loops, observe
from export.loops.parts import join, split, sweep
from export.quantize import apply
from export.quantize.flat import Flat
from export.quantize.forms import INT, Form, stored
from export.quantize.plan import Plan
from export.quantize.prepare import prepare


def quantize(data: bytes, samples: Arrays, plan: Plan, layers: Mapping[str, bool]) -> apply.Quantized:
    """Quantize main graph and loop bodies; ranges are those of the samples, minimum and maximum.

    Args:
        data: float, batch 1.
        samples: input tensors (n, ...) by name.
        plan: widths and granularity.
        layers: names of the Keras layers.

    Raises:
        Refused: loops in loops, or a loop whose end hangs on floats.
    """
    parts = [prepare(part) for part in split(data)]
    found = loops(parts[0])
    inner = [flat for flat in map(Flat, parts[1:]) if any(flat.name(op) in ("WHILE", "IF") for op in flat.operators())]
    if inner or len(parts) != 1 + 2 * len(found):
        raise Refused(
            "export: an integer graph may have loops over time, but none in another.",
            received=f"{len(parts)} graphs, {len(found)} of them loops of the main one",
            fix="unroll the inner one (unroll=True), or export the float precisions",
        )
    main = apply.quantize(parts[0], observe(parts, found, samples), plan, layers)
    made: list[bytes] = [main.data, *parts[1:]]
    flat = Flat(main.data)
    for loop in found:
        step, states = _named(parts[loop.body])
        # In 8 bits an error is carried into every later step; 16 hold it, and need none of a state's headroom.
        body = apply.quantize(step, loop.ranges, plan, layers, states=states if plan.width == 8 else None)
        main.widths += body.widths
        main.floats += body.floats
        made[loop.body], forms = _closed(body.data)
        made[loop.condition] = _retyped(parts[loop.condition], forms)
        _attach(flat, loop, forms)
    main.floats.pop("WHILE", None)
    made[0] = flat.packed()
    main.data = join(made)
    return main


def form_at(flat: Flat, tensor: int) -> Form | None:
    """How a tensor is quantized, None when it is not."""
    entry = flat.graph.tensors[tensor]
    kind = {9: 8, 7: 16}.get(entry.type)
    if kind is None or entry.quantization is None or entry.quantization.scale is None:
        return None
    return Form(kind, float(entry.quantization.scale[0]), int(entry.quantization.zeroPoint[0]))


def _named(body: bytes) -> tuple[bytes, dict[str, str]]:
    """The body with a signature, and what each of its steps carries to the next: not the sequences that it writes."""
    flat = Flat(body)
    made_by = {int(t): flat.name(op) for op in flat.operators() for t in op.outputs}
    ends = list(zip(map(int, flat.graph.inputs), map(int, flat.graph.outputs), strict=True))
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = "step", 0
    signature.inputs = [_end(f"before_{i}", before) for i, (before, _) in enumerate(ends)]
    signature.outputs = [_end(f"after_{i}", after) for i, (_, after) in enumerate(ends)]
    flat.model.signatureDefs = [signature]
    carried = [
        i
        for i, (before, after) in enumerate(ends)
        if flat.is_float(before) and made_by.get(after, "DYNAMIC_UPDATE_SLICE") != "DYNAMIC_UPDATE_SLICE"
    ]
    return flat.packed(), {f"before_{i}": f"after_{i}" for i in carried}


def _end(name: str, tensor: int) -> Any:
    end = schema.TensorMapT()
    end.name, end.tensorIndex = name, tensor
    return end


def _closed(body: bytes) -> tuple[bytes, list[Form | None]]:
    """A body whose outputs have the forms of its inputs, and these."""
    flat = Flat(body)
    forms = [form_at(flat, int(t)) for t in flat.graph.inputs]
    ends = []
    for tensor, form in zip(map(int, flat.graph.outputs), forms, strict=True):
        ends.append(tensor if form is None or form_at(flat, tensor) == form else _requantized(flat, tensor, form))
    flat.graph.outputs = np.asarray(ends, np.int32)
    flat.model.signatureDefs = []
    return flat.packed(), forms


def _requantized(flat: Flat, tensor: int, form: Form, before: int | None = None) -> int:
    """A new tensor with the same values in another form; the operator goes to the end, or `before` another."""
    shape, width = flat.shape(tensor), form.width
    made = flat.add_tensor(flat.label(tensor), shape, INT[width], scale=form.scale, zero_point=form.zero)
    old = form_at(flat, tensor)
    version = 2 if width == 16 or (old and old.width == 16) else 1
    operator = flat.make("QUANTIZE", [tensor], [made], version, flat.options("QuantizeOptions"))
    place = len(flat.graph.operators) if before is None else before
    flat.graph.operators = [*flat.graph.operators[:place], operator, *flat.graph.operators[place:]]
    return made


def _set(flat: Flat, tensor: int, form: Form) -> None:
    template = flat.add_tensor("", (), INT[form.width], scale=form.scale, zero_point=form.zero)
    made = flat.graph.tensors.pop(template)
    entry = flat.graph.tensors[tensor]
    entry.type, entry.quantization = made.type, made.quantization


def _retyped(condition: bytes, forms: Sequence[Form | None]) -> bytes:
    """The condition, which takes all that the body takes and looks at the counter."""
    flat = Flat(condition)
    used = {int(t) for op in flat.operators() for t in op.inputs}
    for tensor, form in zip(map(int, flat.graph.inputs), forms, strict=True):
        if form is None:
            continue
        if tensor in used:
            raise Refused(
                "export: the end of a loop in an integer graph must hang on its counter.",
                received=f"a condition on {flat.label(tensor)}",
                fix="export the float precisions",
            )
        _set(flat, tensor, form)
    return flat.packed()


def _attach(flat: Flat, loop: Loop, forms: Sequence[Form | None]) -> None:
    """Make the main graph hand the loop integers and take integers from it."""
    operator = _loops_of(flat)[loop.body]
    inputs = [int(t) for t in operator.inputs]
    for place, form in enumerate(forms):
        if form is not None:
            inputs[place] = _integer(flat, operator, inputs[place], form)
    operator.inputs = np.asarray(inputs, np.int32)
    for tensor, form in zip(map(int, operator.outputs), forms, strict=True):
        if form is not None:
            _set(flat, tensor, form)
            _consumed(flat, tensor, form)
    sweep(flat)


def _loops_of(flat: Flat) -> dict[int, Any]:
    """By the number of their body."""
    return {op.builtinOptions.bodySubgraphIndex: op for op in flat.operators() if flat.name(op) == "WHILE"}


def _integer(flat: Flat, loop: Any, tensor: int, form: Form) -> int:
    """The tensor that holds a loop's float input in this form."""
    value = flat.constant(tensor)
    if value is not None:
        numbers = stored(value, form)
        return flat.add_tensor(flat.label(tensor), value.shape, INT[form.width], numbers, form.scale, form.zero)
    made_by = {int(t): op for op in flat.operators() for t in op.outputs}
    if tensor in made_by and flat.name(made_by[tensor]) == "DEQUANTIZE":
        tensor = int(made_by[tensor].inputs[0])
    if form_at(flat, tensor) == form:
        return tensor
    return _requantized(flat, tensor, form, before=[op is loop for op in flat.graph.operators].index(True))


def _consumed(flat: Flat, tensor: int, form: Form) -> None:
    """Let what takes a loop's output take integers: QUANTIZE does; one to the same form goes; others get floats."""
    floats = -1
    takers = [operator for operator in flat.operators() if tensor in map(int, operator.inputs)]
    for operator in takers:
        inputs = [int(t) for t in operator.inputs]
        if flat.name(operator) == "QUANTIZE":
            output = int(operator.outputs[0])
            if form_at(flat, output) == form:
                _redirect(flat, output, tensor)
                flat.graph.operators = [op for op in flat.graph.operators if op is not operator]
            else:
                number = 2 if 16 in (form.width, (form_at(flat, output) or form).width) else 1
                operator.opcodeIndex = flat.code("QUANTIZE", number)
        else:
            if floats < 0:
                floats = flat.add_tensor(f"{flat.label(tensor)}/float", flat.shape(tensor), np.float32)
                made = flat.make(
                    "DEQUANTIZE", [tensor], [floats], 3 if form.width == 16 else 2, flat.options("DequantizeOptions")
                )
                place = [op is operator for op in flat.graph.operators].index(True)
                flat.graph.operators = [*flat.graph.operators[:place], made, *flat.graph.operators[place:]]
            operator.inputs = np.asarray([floats if t == tensor else t for t in inputs], np.int32)


def _redirect(flat: Flat, old: int, new: int) -> None:
    for owner in flat.operators():
        owner.inputs = np.asarray([new if int(t) == old else int(t) for t in owner.inputs], np.int32)
    flat.graph.outputs = np.asarray([new if int(t) == old else int(t) for t in flat.graph.outputs], np.int32)
    for signature in flat.model.signatureDefs or []:
        for end in signature.outputs:
            end.tensorIndex = new if int(end.tensorIndex) == old else end.tensorIndex
