"""A layer that takes its process down when a converter traces it, and a model with it at a chosen depth."""

import os
import signal
import time

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("edgeproof_tests")
class Trap(keras.layers.Layer):
    """Passes its input on; traced for a converter, which fixes the batch at 1, it does what `how` says."""

    def __init__(self, how="none", units=7, **options):
        super().__init__(**options)
        self.how, self.units = how, units

    def call(self, x):
        if tf.inside_function() and x.shape[0] == 1:
            if self.how == "segv":
                os.kill(os.getpid(), signal.SIGSEGV)
            if self.how == "abort":
                os.abort()
            if self.how == "raise":
                raise LookupError("something was not found")
            if self.how == "hang":
                time.sleep(600)
            if self.how == "allocate":
                kept = [bytearray(b"1") * (1 << 24) for _ in range(512)]
                raise AssertionError(len(kept))
        return x

    def compute_output_shape(self, shape):
        return shape

    def get_config(self):
        return {**super().get_config(), "how": self.how, "units": self.units}


def save(path, how, depth, layers=8):
    """Two branches of dense layers that meet; `depth` counts the calls before the trap, "inner" puts it in a model."""
    keras.utils.set_random_seed(0)
    a, b = keras.Input((6,), name="a"), keras.Input((4,), name="b")
    x = a if depth != 0 else Trap(how, name="trap")(a)
    y = keras.layers.Dense(5, activation="relu", name="side")(b)
    for index in range(layers):
        x = keras.layers.Dense(5, activation="relu", name=f"d{index}")(x)
        if depth == "inner" and index == 3:
            z = keras.Input((5,))
            w = keras.layers.Dense(5, name="in1")(z)
            x = keras.Model(z, keras.layers.Dense(5, name="in2")(Trap(how, name="trap")(w)), name="inner")(x)
        if depth == index + 1:
            x = Trap(how, name="trap")(x)
    out = keras.layers.Dense(3, name="out")(keras.layers.Add(name="meet")([x, y]))
    if depth == "end":
        out = Trap(how, name="trap")(out)
    keras.Model([a, b], out, name="trapped").save(path)
