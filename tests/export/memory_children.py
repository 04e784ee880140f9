"""Functions that measure a worker's child; the child finds this module on its PYTHONPATH."""

import gc
import re
from pathlib import Path

import keras

from export import memory
from export.formats import onnx
from export.source import Source


def float_model(folder, units):
    """Bytes that an ONNX conversion takes at the most beyond what was there before, and bytes of the weights."""
    memory._SWEPT = 0  # as a model whose copies fill gigabytes has it
    large, small = (_saved(Path(folder) / f"{n}.h5", n) for n in (units, 4))
    onnx._float_model(small)  # what is loaded at the first conversion
    weights = 4 * large.model.count_params()
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the most so far is what there is now
    before = _held()
    onnx._float_model(large)
    return {"peak": _held() - before, "weights": weights}


def _saved(path, units):
    keras.utils.set_random_seed(0)
    x = keras.Input((units,))
    keras.Model(x, keras.layers.Dense(units)(keras.layers.Dense(units, activation="relu")(x))).save(path)
    return Source(path)


def _held():
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) << 10
