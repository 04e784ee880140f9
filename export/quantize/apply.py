"""From a float graph, ranges and a plan to an integer graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from export.quantize import average, carried, spelled
from export.quantize import operators as rules
from export.quantize.bias import shift
from export.quantize.flat import Flat
from export.quantize.forms import FLOAT, INT, Form, Range, form_of, span_of, stored, weight_scales
from export.quantize.groups import Groups
from export.quantize.names import LayerNames
from export.quantize.plan import Plan
from export.quantize.widths import widths

_MOST_BIAS = {8: 2.0**30, 16: 2.0**46}


@dataclass
class Quantized:
    """A quantized graph and what became of it.

    Attributes:
        data: the file's bytes.
        widths: number of operators at each width of activations, 0 for float.
        floats: operators left in float, by kind.
        tensors: where the float graph's computed tensors are now, and in which form.
    """

    data: bytes
    widths: Counter[int] = field(default_factory=Counter)
    floats: Counter[str] = field(default_factory=Counter)
    tensors: dict[int, tuple[int, Form]] = field(default_factory=dict)


def quantize(
    data: bytes,
    ranges: Mapping[int, Range],
    plan: Plan,
    layers: Mapping[str, bool] | None = None,
    means: Mapping[int, np.ndarray] | None = None,
    states: Mapping[str, str] | None = None,
) -> Quantized:
    """Quantize a prepared float graph (see `prepare`).

    Args:
        data: the float flatbuffer: one graph.
        ranges: of its computed float tensors, by index.
        plan: widths, floats and granularity; its calibration has already become `ranges`.
        layers: names of the Keras layers, which `plan` speaks of, and whether each has a kernel.
        means: of the channels of computed float tensors, for `plan.correct_bias`.
        states: of a step, input -> output by the signature's names; see `carried`.
    """
    return _Quantizer(Flat(data), ranges, plan, LayerNames(layers or {}), means or {}, states or {}).run()


class _Quantizer:
    def __init__(
        self,
        flat: Flat,
        ranges: Mapping[int, Range],
        plan: Plan,
        names: LayerNames,
        means: Mapping[int, np.ndarray],
        states: Mapping[str, str],
    ) -> None:
        self._flat, self._plan, self._names, self._means = flat, plan, names, means
        self._decide(states)
        if added := spelled.spell(flat, self._widths):
            ranges = {**ranges, **added}
            self._decide(states)
        self._groups = Groups(flat, self._widths, ranges)
        self._home: dict[int, Form] = {}
        self._at: dict[tuple[int, Form], int] = {}
        self._after: list[Any] = []

    def _decide(self, states: Mapping[str, str]) -> None:
        """What is an average or a state, and how wide each operator is."""
        self._before = list(self._flat.operators())
        self._averages = average.find(self._flat, states)
        counted = {end for one in self._averages for end in (one.total[0], one.count[0])}
        plain = widths(self._flat, self._plan, self._names)
        self._widths, self._carried = carried.widths(self._flat, states, plain, counted)
        for one in self._averages:
            for index in one.operators:
                self._widths[index] = self._plan.width

    def run(self) -> Quantized:
        for state in self._carried:
            self._groups.carry(state)
        for one in self._averages:
            self._groups.join((one.data, self._plan.width), (one.mean, self._plan.width))
            average.whole(self._flat, one)
        for tensor in map(int, self._flat.graph.inputs):
            if self._flat.is_float(tensor):
                self._enter(tensor)
        for index in range(len(self._before)):
            self._convert(index)
        self._leave()
        self._flat.graph.operators = self._after
        self._rename()
        left = [op for op, width in zip(self._before, self._widths, strict=True) if not width]
        floats = Counter(self._flat.name(op) for op in left if self._holds_floats(op))
        counted = Counter(self._widths)
        floats_of = {int(t) for op in left for t in op.outputs}
        at = {tensor: (tensor, FLOAT) for tensor in floats_of}
        at |= {tensor: (self._at.get((tensor, form), tensor), form) for tensor, form in self._home.items()}
        data = self._flat.packed()
        moved = {old: new for new, old in enumerate(self._flat.kept)}
        tensors = {tensor: (moved[index], form) for tensor, (index, form) in at.items() if index in moved}
        return Quantized(data, counted, floats, tensors)

    def _holds_floats(self, operator: Any) -> bool:
        return any(self._flat.is_float(int(t)) for t in (*operator.outputs, *operator.inputs))

    def _enter(self, tensor: int) -> None:
        width = next((state.width for state in self._carried if state.input == tensor), self._plan.width)
        form = self._groups.form(tensor, width)
        entry = self._flat.graph.tensors[tensor]
        self._store(entry, form)
        self._home[tensor] = form
        self._at[tensor, form] = tensor

    def _store(self, entry: Any, form: Form) -> None:
        model = self._flat.add_tensor("", (), INT[form.width], scale=form.scale, zero_point=form.zero)
        made = self._flat.graph.tensors.pop(model)
        entry.type, entry.quantization = made.type, made.quantization

    def _as(self, tensor: int, form: Form) -> int:
        """The index of a tensor in this form, converted from where it was made if need be."""
        home = self._home.get(tensor, FLOAT)
        if form == home:
            return self._at.get((tensor, form), tensor)
        if (tensor, form) not in self._at:
            label, shape = self._flat.label(tensor), self._flat.shape(tensor)
            source = self._at.get((tensor, home), tensor)
            if form == FLOAT:
                made = self._flat.add_tensor(f"{label}/float", shape, np.float32)
                version = 3 if home.width == 16 else 2
                self._after.append(
                    self._flat.make("DEQUANTIZE", [source], [made], version, self._flat.options("DequantizeOptions"))
                )
            else:
                made = self._flat.add_tensor(label, shape, INT[form.width], scale=form.scale, zero_point=form.zero)
                version = 2 if 16 in (form.width, home.width) else 1
                self._after.append(
                    self._flat.make("QUANTIZE", [source], [made], version, self._flat.options("QuantizeOptions"))
                )
            self._at[tensor, form] = made
        return self._at[tensor, form]

    def _convert(self, index: int) -> None:
        operator, width = self._before[index], self._widths[index]
        kind = self._flat.name(operator)
        for one in self._averages:
            if index in one.operators:
                self._average(one, one.operators.index(index))
                return
        inputs = [int(t) for t in operator.inputs]
        if width:
            inputs = self._integer_inputs(index, operator, kind, width)
            operator.opcodeIndex = self._flat.code(kind, rules.version(kind, width, self._flat.version(operator)))
            if kind in ("ADD", "SUB") and width == 16:
                operator.builtinOptions.potScaleInt16 = False  # scales are not powers of two
        else:
            inputs = [self._as(t, FLOAT) if self._computed(t) else t for t in inputs]
        operator.inputs = np.asarray(inputs, np.int32)
        self._after.append(operator)
        if width:
            for tensor in map(int, operator.outputs):
                form = self._groups.form(tensor, width)
                self._home[tensor] = form
                self._at[tensor, form] = tensor
                self._store(self._flat.graph.tensors[tensor], form)

    def _average(self, one: average.Average, place: int) -> None:
        form = self._groups.form(one.data, self._plan.width)
        data = self._as(one.data, form)
        if place == 2:
            self._home[one.mean], self._at[one.mean, form] = form, one.mean
            self._store(self._flat.graph.tensors[one.mean], form)
        self._after += average.emit(self._flat, one, data, place)

    def _computed(self, tensor: int) -> bool:
        return tensor in self._home

    def _integer_inputs(self, index: int, operator: Any, kind: str, width: int) -> list[int]:
        inputs = [int(t) for t in operator.inputs]
        if kind in rules.WEIGHTED and self._flat.constant(inputs[rules.WEIGHTED[kind].weight]) is not None:
            return self._weighted(operator, kind, width)
        shared = self._groups.shared.get(index)
        found = []
        for position, tensor in enumerate(inputs):
            if tensor < 0 or not (self._computed(tensor) or self._flat.is_float(tensor)):
                found.append(tensor)  # shapes, axes, indices
                continue
            value = self._flat.constant(tensor)
            output = int(operator.outputs[0])
            if value is not None:
                form = self._groups.form(output, width) if kind in rules.SAME else form_of(span_of(value), width)
                found.append(self._constant(tensor, value, form))
            elif shared is not None and position in shared and (index, position) in self._groups.apart:
                found.append(self._as(tensor, self._groups.form(output, width)))
            else:
                home = self._home.get(tensor, FLOAT)
                kept = home.width == width and shared is None
                found.append(self._as(tensor, home if kept else self._groups.form(tensor, width)))
        return found

    def _constant(self, tensor: int, value: np.ndarray, form: Form) -> int:
        key = (tensor, form)
        if key not in self._at:
            label = self._flat.label(tensor)
            self._at[key] = self._flat.add_tensor(
                label, value.shape, INT[form.width], stored(value, form), form.scale, form.zero
            )
        return self._at[key]

    def _weighted(self, operator: Any, kind: str, width: int) -> list[int]:
        rule = rules.WEIGHTED[kind]
        inputs = [int(t) for t in operator.inputs]
        data, weight = inputs[rule.data], self._flat.constant(inputs[rule.weight])
        assert weight is not None
        home = self._home.get(data, FLOAT)
        form = home if home.width == width else self._groups.form(data, width)
        bias_at = inputs[rule.bias] if len(inputs) > rule.bias else -1
        bias = self._flat.constant(bias_at)
        correct = self._plan.correct_bias and data in self._means
        if bias is None and correct and len(inputs) > rule.bias:
            bias = np.zeros(weight.shape[rule.axis], np.float32)  # the converter drops one of zeros
        scales = weight_scales(weight, rule.axis if self._plan.per_channel else None)
        if bias is not None:
            bias = bias.reshape(-1)
            # A bias far larger than its channel's weights would not fit in its own steps.
            least = np.abs(bias) / (form.scale * _MOST_BIAS[width])
            scales = np.maximum(scales, least if scales.size > 1 else least.max()).astype(np.float32)
        shape = [1] * weight.ndim
        shape[rule.axis] = scales.size
        steps = scales.reshape(shape)
        numbers = np.clip(np.round(weight / steps), -127, 127).astype(np.int8)
        axis = rule.axis if scales.size > 1 else 0
        label = self._flat.label(inputs[rule.weight])
        inputs[rule.weight] = self._flat.add_tensor(label, weight.shape, np.int8, numbers, scales, 0, axis)
        inputs[rule.data] = self._as(data, form)
        if bias is not None:
            if correct:
                bias = bias - shift(numbers * steps - weight, self._means[data], kind)
            dtype = np.int32 if width == 8 else np.int64
            of_sums = (form.scale * scales).astype(np.float64)
            value = np.round(bias / of_sums).astype(dtype)
            inputs[rule.bias] = self._flat.add_tensor(label, value.shape, dtype, value, of_sums)
        return inputs

    def _leave(self) -> None:
        """Outputs in integers of the plan's width, whatever made them; new states in that of the state."""
        signatures = [s for s in self._flat.model.signatureDefs or [] if s.subgraphIndex == 0]
        ends = [end for signature in signatures[:1] for end in signature.outputs]
        found = []
        for tensor in map(int, self._flat.graph.outputs):
            # One tensor may be an output and a state: each end by its name, in the order of both lists.
            at = next((i for i, end in enumerate(ends) if int(end.tensorIndex) == tensor), None)
            end = ends.pop(at) if at is not None else None
            name = "" if end is None else end.name.decode() if isinstance(end.name, bytes) else end.name
            width = next((state.width for state in self._carried if state.name == name), self._plan.width)
            found.append(self._end(tensor, width))
            if end is not None:
                end.tensorIndex = found[-1]
        self._flat.graph.outputs = np.asarray(found, np.int32)

    def _end(self, tensor: int, width: int) -> int:
        home = self._home.get(tensor, FLOAT)
        if home.width == width or not (home.width or self._flat.is_float(tensor)):
            return self._at.get((tensor, home), tensor)
        return self._as(tensor, self._groups.form(tensor, width))

    def _rename(self) -> None:
        """Call inner tensors after their layers: paths of fused operations take kilobytes in small models."""
        ends = {int(t) for t in (*self._flat.graph.inputs, *self._flat.graph.outputs)}
        for index, entry in enumerate(self._flat.graph.tensors):
            layer = self._names.of(self._flat.label(index))
            if layer and index not in ends:
                entry.name = layer.encode()
