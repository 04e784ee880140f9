"""Functions for the tests' child process, which has tf-keras where TensorFlow looks for Keras."""

import importlib
from pathlib import Path

import keras
import numpy as np

from edgeproof.contract import Decode
from export.checkpoint import Opening
from export.checkpoint.load import load
from export.compress import bridge, tasks
from export.compress.recipe import Recipe
from export.compress.tune import Tuner


def recipes():
    """What crossing the bridge does to every recipe's model, by name."""
    from train import registry, settings

    found = {}
    for name in registry.names():
        recipe = registry.load(name)
        module = importlib.import_module(recipe.build.partition(":")[0])
        for variant in getattr(module, "VARIANTS", ("",)) if "variant" in recipe.arguments else ("",):
            wishes = {"variant": variant} if variant else {}
            resolved = settings.resolve(recipe, "embedded", wishes, tiny=True)
            model = recipe.builder()(**{key: resolved[key] for key in recipe.arguments})
            found[f"{name} {variant}".strip()] = _crossed(model)
    return found


def file(path):
    """The same of a checkpoint."""
    return _crossed(load(Opening(Path(path))).model, draw=False)


def drawn(shape, dtype, layers, seed):
    """The same of a model of these layers, each (class, configuration, how its output joins its input)."""
    keras.utils.set_random_seed(seed)
    x = source = keras.Input(shape, dtype=dtype, name="x")
    for kind, config, join in layers:
        if kind == "MultiHeadAttention":
            y = keras.layers.MultiHeadAttention(**config)(x, x)
        elif kind == "Bidirectional":
            y = keras.layers.Bidirectional(keras.layers.GRU(**config))(x)
        else:
            y = getattr(keras.layers, kind)(**config)(x)
        if join == "add" and x.shape == y.shape:
            y = keras.layers.Add()([x, y])
        elif join == "concatenate" and x.shape[:-1] == y.shape[:-1]:
            y = keras.layers.Concatenate()([x, y])
        x = y
    return _crossed(keras.Model(source, x))


def refused(kind):
    """What can't cross, to be refused."""
    image = keras.Input((4,), name="x")
    if kind == "half":
        bridge.over(keras.Model(image, keras.layers.Dense(3, dtype="mixed_float16", name="thin")(image)))
    if kind == "subclass":

        class Own(keras.Model):
            def call(self, inputs):
                return inputs

        bridge.over(keras.Model(image, Own(name="own")(image)))


def _crossed(model, draw=True):
    rng = np.random.default_rng(0)
    if draw:  # nothing may be left as it begins: a bias that is not copied is zero on both sides
        for weight in model.weights:
            value = (
                rng.uniform(0.5, 1.5, weight.shape) if "variance" in weight.name else rng.normal(0, 0.3, weight.shape)
            )
            if str(weight.dtype).startswith("float"):
                weight.assign(value.astype(weight.dtype))
    probe = bridge.noise(model, 5, seed=1)
    feeds = [probe[tensor.name] for tensor in model.inputs]

    def run(m):
        return [np.asarray(t) for t in keras.tree.flatten(m(feeds if len(feeds) > 1 else feeds[0], training=False))]

    before, weights = run(model), [w.numpy() for w in model.weights]
    found = bridge.over(model)
    there = run(found.theirs)
    for weight, value in zip(model.weights, weights, strict=True):
        if str(weight.dtype).startswith("float"):
            weight.assign(value * (1 + rng.choice([-1, 1], value.shape) * 2.0**-23).astype(value.dtype))
    moved = run(model)
    for weight in model.weights:
        weight.assign(np.zeros(weight.shape, weight.dtype))
    found.back()
    return {
        "error": max(bridge.difference(a, b) for a, b in zip(before, there, strict=True)),
        "rounding": max(bridge.difference(a, b) for a, b in zip(before, moved, strict=True)),
        "weights": all(np.array_equal(a, b.numpy()) for a, b in zip(weights, model.weights, strict=True)),
        "outputs": all(np.array_equal(a, b) for a, b in zip(before, run(model), strict=True)),
        "carried": sorted(type(x.ours).__name__ for x in found.theirs.layers if isinstance(x, bridge.Carried)),
    }


def regained(checkpoint, scale):
    """Scores of a LeNet-5 whose channels were made unequal, and of its int8 file with one scale a kernel."""
    from edgeproof import frontend
    from export.quantize import tflite
    from export.quantize.integers import outputs
    from export.quantize.plan import Plan
    from export.source import Source
    from train.data import digits
    from train.registry import load as recipe_of

    image = recipe_of("lenet5").frontends({"variant": "relu"})[0]
    data = digits.load(None)
    parts = {
        name: (frontend.apply(image, getattr(data, name).samples["image"]), getattr(data, name).labels)
        for name in ("train", "test")
    }
    (train, _), (test, wanted) = parts["train"], parts["test"]
    model = load(Opening(Path(checkpoint))).model
    first, second = model.get_layer("c1"), model.get_layer("c3")
    kernel, bias = first.get_weights()
    kernel[..., ::2] *= scale
    bias[::2] *= scale
    first.set_weights([kernel, bias])
    kernel, bias = second.get_weights()
    kernel[:, :, ::2] /= scale
    second.set_weights([kernel, bias])

    def scores():
        source = Source(Path("x"), {"image": train[:100]})
        source.__dict__["_loaded"] = (model, [])
        made, _ = tflite.quantized(source, Plan(per_channel=False, equalize=False, calibration="min-max"))
        answers = model(test).numpy(), outputs(made, {"image": test})["logits"]
        return [float(np.mean(np.argmax(answer, 1) == wanted)) for answer in answers]

    before = scores()
    tuner = Tuner(
        {"image": train}, tasks._answers(model, {"image": train}), model.output_names, None,
        Decode("classify", "logits", "logits"), 10, 64, 0,
    )  # fmt: skip
    tasks.apply(model, Recipe(aware=True, taught=True, per_channel=False, epochs=10, rate=1e-3), tuner)
    return {"before": before, "after": scores()}
