"""What the quantization tests call in their child: models, and the quantizer's parts on them. Answers are JSON."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import keras
import numpy as np

from edgeproof.metrics import closeness
from export.quantize import blame, equalize
from export.quantize.integers import outputs, settled
from export.quantize.onnx import OnnxIntegers
from export.quantize.plan import Plan
from export.quantize.tflite import TfliteIntegers
from export.source import Source

layers = keras.layers


def build(kind, activation="relu"):
    """A seeded classifier of (12, 12, 3) pictures: "separable", "plain", "norm", or "dense" on 16 values."""
    keras.utils.set_random_seed(3)
    if kind == "dense":
        x = keras.Input((16,), name="x")
        y = layers.Dense(24, activation=activation, name="d1")(x)
        return keras.Model(x, layers.Dense(5, name="logits")(y))
    x = keras.Input((12, 12, 3), name="x")
    y = layers.Conv2D(8, 3, padding="same", name="c1")(x)
    if kind == "norm":
        y = layers.LayerNormalization(name="n1")(y)
    y = layers.BatchNormalization(name="b1")(y)
    y = layers.ReLU(6.0 if activation == "relu6" else None, name="r1")(y)
    if kind == "separable":
        for i in (1, 2):
            y = layers.SeparableConv2D(16, 3, padding="same", name=f"s{i}")(y)
            y = layers.ReLU(6.0 if activation == "relu6" else None, name=f"q{i}")(y)
    else:
        y = layers.MaxPooling2D(name="p1")(layers.Conv2D(12, 3, activation="relu", name="c2")(y))
        y = layers.Conv2D(12, 3, name="c3")(y)
    y = layers.GlobalAveragePooling2D(name="gap")(y)
    return keras.Model(x, layers.Dense(5, name="logits")(y))


def pictures(n, seed, shape):
    """Smooth pictures."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, *shape)).astype(np.float32)
    for axis in range(1, x.ndim - 1):
        x = x + np.roll(x, 1, axis) + np.roll(x, 2, axis)
    return x


def source(model, path, n=64):
    """A checkpoint of a model, with samples to calibrate it."""
    model.save(path)
    found = Source(Path(path))
    found.calibrate({"x": pictures(n, 1, model.inputs[0].shape[1:])})
    return found


def spoil(model, where, factor):
    """Scale half the channels between two layers, the function kept; `where` is (producer, consumer) as weights."""
    producer, consumer, axis_of_producer, axis_of_consumer = where
    size = producer.shape[axis_of_producer]
    factors = np.ones(size, np.float32)
    factors[::2] = factor
    for variable, axis, values in ((producer, axis_of_producer, factors), (consumer, axis_of_consumer, 1 / factors)):
        shape = [1] * len(variable.shape)
        shape[axis] = size
        variable.assign(np.asarray(variable) * values.reshape(shape))


def collapse(path, activation, factor):
    """Errors of int8 with and without equalization of a net whose separable layers were spoilt, and what was found."""
    model = build("separable", activation)
    for name in ("s1", "s2"):
        layer = model.get_layer(name)
        spoil(model, (layer.depthwise_kernel, layer.pointwise_kernel, 2, 2), factor)
    whole = source(model, path)
    errors = {}
    for choice in (False, True, None):
        integers, plan = settled(whole, Plan(equalize=choice), TfliteIntegers)
        errors[str(choice)] = integers.error(plan)
        errors[f"{choice} taken"] = plan.equalize
    return errors | {"spreads": equalize.found(whole)}


def kept(path, kind, activation, factor):
    """Largest change of any output when a spoilt model is equalized, relative, and the number of places."""
    model = build(kind, activation)
    if kind == "dense":
        where = (model.get_layer("d1").kernel, model.get_layer("logits").kernel, 1, 0)
        spoil(model, where, factor)
        bias = model.get_layer("d1").bias
        bias.assign(np.where(np.arange(24) % 2 == 0, np.asarray(bias) * factor, np.asarray(bias)))
    else:
        b1 = model.get_layer("b1")
        b1.gamma.assign(np.where(np.arange(8) % 2 == 0, factor, 1.0))
    whole = source(model, path)
    balance = equalize.balanced(whole)
    x = whole.calibration["x"]
    before = whole.model.predict_on_batch(x)
    after = balance.source.model.predict_on_batch(x) if balance else before
    change = float(np.abs(before - after).max() / np.abs(before).max())
    return {"change": change, "moved": balance is not None, "spreads": equalize.found(whole)}


def ranking(path):
    """The blame of a model of which one layer was made hard to quantize, and the plan that follows it."""
    model = build("plain")
    kernel = model.get_layer("c3").kernel
    values = np.asarray(kernel).copy()
    values[0, 0, 0, :] *= 300  # an outlier in every output channel: the others get few steps
    kernel.assign(values)
    whole = source(model, path)
    integers, plan = settled(whole, Plan(calibration="min-max", equalize=False), TfliteIntegers)
    ranked = blame.rank(integers, plan, seconds=60.0)
    floats = dataclasses.replace(plan, floats=(ranked[0].layer,))
    return {
        "layers": [(b.layer, b.drift, b.regained) for b in ranked],
        "whole": integers.error(plan),
        "without": integers.error(floats),
        "kinds": dict(integers.quantized(floats).floats),
    }


def widths(path):
    """Operators by width of a model with a LayerNormalization, and its error."""
    whole = source(build("norm"), path)
    integers, plan = settled(whole, Plan(calibration="min-max"), TfliteIntegers)
    made = integers.quantized(plan)
    return {"widths": {str(k): v for k, v in made.widths.items()}, "error": integers.error(plan)}


def correction(path):
    """Mean error of each output with and without bias correction."""
    model = build("dense")
    kernel = model.get_layer("logits").kernel
    values = np.full(kernel.shape, 0.0149, np.float32)  # in steps of 0.01 all of them are rounded down by half a step
    values[0] = 1.27
    kernel.assign(values)
    whole = source(model, path, 200)
    integers, _ = settled(whole, Plan(calibration="min-max"), TfliteIntegers)
    x = {"x": whole.calibration["x"]}
    exact = next(iter(outputs(integers.graph, x).values()))
    told = {}
    for corrected in (False, True):
        plan = Plan(calibration="min-max", equalize=False, per_channel=False, correct_bias=corrected)
        found = next(iter(outputs(integers.make(plan), x).values()))
        told[str(corrected)] = np.abs((found - exact).mean(axis=0)).mean().item()
    return told


def unsquashed(path, squash):
    """Of a classifier that is always sure: how far its logits are from those that its ends' own inverse gives."""
    keras.utils.set_random_seed(5)
    x = keras.Input((16,), name="x")
    y = layers.Dense(24, activation="relu", name="d1")(x)
    y = layers.Dense(4, name="d2", kernel_initializer=keras.initializers.RandomNormal(stddev=6.0))(y)
    model = keras.Model(x, layers.Activation(squash, name="end")(y))
    model.save(path)
    logits = keras.Model(x, model.get_layer("d2").output)
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(64, 16)).astype(np.float32)
    source = Source(Path(path))
    source.calibrate({"x": samples})
    truth = logits(samples).numpy()
    found = {}
    for kind in (TfliteIntegers, OnnxIntegers):
        integers = kind(source)
        # In 8 bits onnxruntime's kernels saturate where the processor has no VNNI.
        plan = Plan(calibration="min-max", correct_bias=False, weight_bits=7 if kind is OnnxIntegers else 8)
        (plain,) = outputs(integers.unsquashed(integers.graph), {"x": samples}).values()
        (whole,) = outputs(integers.unsquashed(integers.make(plan)), {"x": samples}).values()
        apart = []
        for seen, held in integers.folds:
            (given,) = outputs(integers.unsquashed(integers.make(plan, integers.observed(seen))), held).values()
            apart.append(closeness(logits(held["x"]).numpy(), given).relative_l2)
        found[kind.__name__] = {
            "float": float(np.abs(plain - truth).max() / np.abs(truth).max()),
            "quantized": float(np.abs(whole - truth).max() / np.abs(truth).max()),
            "error": integers.error(plan),
            "apart": float(np.mean(apart)),
        }
    return found


def calibrated_again(path):
    """Ranges of the first tensor by two sets of samples, one after the other and again: those of each."""
    found = source(build("dense"), path)
    tight, wide = ({"x": np.full((9, 16), size, np.float32)} for size in (1, 5))
    tops = []
    for samples in (tight, wide, tight):
        found.calibrate(samples)
        integers, _ = settled(found, Plan(calibration="min-max", correct_bias=False, equalize=False), TfliteIntegers)
        tops.append(max(values.high for values in integers.values.values() if values.high in (1.0, 5.0)))
    return tops
