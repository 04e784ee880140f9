"""Preprocessing in operators that converters know: bicubic resizing as two products, counting as comparisons."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from export.lowering import Replaced


def _resize(original: Any) -> Any:
    def resize(
        images: Any,
        size: Any,
        interpolation: str = "bilinear",
        antialias: bool = False,
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        data_format: Any = None,
    ) -> Any:
        simple = not (crop_to_aspect_ratio or pad_to_aspect_ratio or data_format == "channels_first")
        known = len(images.shape) == 4 and None not in images.shape[1:3]
        if (interpolation in ("nearest", "bilinear") and not antialias) or not (simple and known):
            return original(
                images, size, interpolation, antialias, crop_to_aspect_ratio, pad_to_aspect_ratio, fill_mode,
                fill_value, data_format,
            )  # fmt: skip
        # Resizing is linear and separable: its matrix along an axis is what it makes of a unit matrix's rows.
        rows, columns = (
            _matrix(original, images.shape[axis], side, interpolation, antialias)
            for axis, side in zip((1, 2), size, strict=True)
        )
        tall = tf.einsum("oh,bhwc->bowc", rows, tf.cast(images, "float32"))
        return tf.einsum("pw,bowc->bopc", columns, tall)

    return resize


def _matrix(original: Any, before: int, after: int, interpolation: str, antialias: bool) -> np.ndarray:
    """(after, before)."""
    with tf.init_scope():  # a constant, whatever is being traced
        unit = tf.eye(before)[None, :, :, None]
        # As many columns as before, so that the other axis stays as it is.
        return original(unit, (after, before), interpolation, antialias, data_format="channels_last")[
            0, :, :, 0
        ].numpy()


def _encode(original: Any) -> Any:
    def encode(
        inputs: Any,
        output_mode: str,
        depth: int,
        dtype: Any = "float32",
        sparse: bool = False,
        count_weights: Any = None,
        **extra: Any,
    ) -> Any:
        if output_mode not in ("multi_hot", "count") or sparse or count_weights is not None or len(inputs.shape) != 2:
            return original(
                inputs, output_mode, depth, dtype=dtype, sparse=sparse, count_weights=count_weights, **extra
            )
        # Keras counts in bins, an operator that TensorFlow Lite has not.
        hot = tf.one_hot(tf.cast(inputs, "int32"), depth, dtype=dtype)  # (batch, n, depth)
        return tf.reduce_max(hot, 1) if output_mode == "multi_hot" else tf.reduce_sum(hot, 1)

    return encode


def _indices(original: Any) -> Any:
    def call(self: Any, inputs: Any, **extra: Any) -> Any:
        whole = all(tf.is_tensor(t) and t.dtype.is_integer for t in tf.nest.flatten(inputs))
        if not (whole and type(self).__name__ == "CategoryEncoding"):
            return original(self, inputs, **extra)
        # In a graph Keras makes floats of indices and cuts them off again: in 8 bits a 6 is 5.98, and then a 5.
        return keras.layers.Layer.__call__(self, inputs, **extra)

    return call


def _digitize(original: Any) -> Any:
    def digitize(x: Any, bins: Any) -> Any:
        x = tf.convert_to_tensor(x)
        if not x.dtype.is_floating:
            return original(x, bins)
        # Each boundary that a value reaches is a step; Bucketize is no ONNX operator.
        reached = x[..., None] >= tf.constant(bins, x.dtype)
        return tf.reduce_sum(tf.cast(reached, "int32"), -1)

    return digitize


def _stft(original: Any) -> Any:
    def stft(
        x: Any, sequence_length: int, sequence_stride: int, fft_length: int, window: Any = "hann", center: bool = True
    ) -> Any:
        x = tf.convert_to_tensor(x)
        if x.dtype != tf.float32 or x.shape[-1] is None or isinstance(window, tf.Tensor):
            return original(x, sequence_length, sequence_stride, fft_length, window, center)
        # The transform is linear: its matrix is what it makes of one frame's unit samples. ONNX's complex numbers
        # are in few runtimes, products of matrices in all.
        with tf.init_scope():
            unit = original(tf.eye(fft_length), sequence_length, fft_length, fft_length, window, False)
            real, imaginary = (np.asarray(part)[:, 0] for part in unit)  # (fft_length, bins)
        if center:
            x = tf.pad(x, [(0, 0)] * (len(x.shape) - 1) + [(fft_length // 2, fft_length // 2)], mode="REFLECT")
        frames = 1 + (x.shape[-1] - fft_length) // sequence_stride
        at = np.arange(frames)[:, None] * sequence_stride + np.arange(fft_length)
        framed = tf.gather(x, at, axis=-1)  # (..., frames, fft_length)
        return tf.matmul(framed, real), tf.matmul(framed, imaginary)

    return stft


def _next(original: Any) -> Any:
    # At inference nothing is drawn, but the state of what could draw is stepped, which is an assignment in the graph.
    return lambda self, ordered=True: tf.zeros((2,), "uint32")


REPLACED: Replaced = {
    ("keras.src.backend.tensorflow.image", "resize"): _resize,
    ("keras.src.utils.numerical_utils", "encode_categorical_inputs"): _encode,
    ("keras.src.layers.preprocessing.data_layer:DataLayer", "__call__"): _indices,
    ("keras.src.backend.tensorflow.math", "stft"): _stft,
    ("keras.src.backend.tensorflow.numpy", "digitize"): _digitize,
    ("keras.src.random.seed_generator:SeedGenerator", "next"): _next,
}
