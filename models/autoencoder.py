"""Autoencoders: plain, deep, sparse, denoising; and one whose error tells what is unlike its training data."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from models.layers import KLSparsity, SquaredError, TiedDense


def build_autoencoder(
    *, widths: tuple[int, ...] = (1000, 500, 250, 30), activation: str = "relu", tied: bool = True
) -> keras.Model:
    """An autoencoder of pictures of 28x28 (Hinton, Salakhutdinov 2006, "Reducing the dimensionality of data with neural
    networks", whose widths are the default).

    Args:
        widths: of the layers from the input to the code; the way back has the same in reverse.
        activation: of all layers but the code, which is linear, and the output, which is a sigmoid.
        tied: the way back uses the same matrices, transposed.

    Returns:
        Functional model. Input "image" (batch, 28, 28, 1), float32 in [0, 1]; output "reconstruction", the same shape.
        Layer "code" is (batch, widths[-1]).

    Raises:
        ValueError: no layer, or one without units.
    """
    _check("build_autoencoder", widths)
    return _autoencoder(widths, activation, tied)


def build_denoising_autoencoder(*, widths: tuple[int, ...] = (500,), tied: bool = True) -> keras.Model:
    """An autoencoder with ReLU codes that may be wide, as its inputs are spoilt in training (Vincent et al. 2008,
    "Extracting and composing robust features with denoising autoencoders").

    Args, returns and raises as `build_autoencoder`.
    """
    _check("build_denoising_autoencoder", widths)
    return _autoencoder(widths, "relu", tied, layers.ReLU(name="code_relu"))


def build_sparse_autoencoder(
    *, widths: tuple[int, ...] = (256,), kl: float = 1.0, rate: float = 0.05, l1: float = 0.0
) -> keras.Model:
    """An autoencoder whose code units are seldom on (Ng 2011, "Sparse autoencoder").

    Args:
        widths: as `build_autoencoder`.
        kl: weight of the penalty that holds each code unit's mean at `rate`, Σ KL(rate || mean); the code is a sigmoid.
        rate: the mean activation that `kl` holds it at.
        l1: weight of Σ|code| in the loss; the code is a ReLU.

    Returns:
        As `build_autoencoder`.

    Raises:
        ValueError: no layer, one without units, both penalties, or numbers out of range.
    """
    _check("build_sparse_autoencoder", widths)
    if min(l1, kl) < 0 or (l1 and kl) or not 0 < rate < 1:
        rule = "one of l1 and kl at most above 0, none below, rate between 0 and 1"
        raise ValueError(f"build_sparse_autoencoder: {rule}. Received: kl={kl}, l1={l1}, rate={rate}")
    if l1:
        return _autoencoder(
            widths, "relu", False, layers.ReLU(activity_regularizer=keras.regularizers.L1(l1), name="code_relu")
        )
    return _autoencoder(
        widths, "relu", False, layers.Activation("sigmoid", name="code_sigmoid"), KLSparsity(rate, kl, name="sparsity")
    )


def _autoencoder(widths: tuple[int, ...], activation: str, tied: bool, *code: layers.Layer) -> keras.Model:
    image = keras.Input((28, 28, 1), name="image")
    x = layers.Flatten(name="flatten")(image)  # (batch, 784)
    sizes, forth = [784], []
    for i, units in enumerate(widths, start=1):
        kind = TiedDense if tied else layers.Dense
        forth.append(kind(units, kernel_initializer="he_normal", name=f"encode{i}"))
        x = forth[-1](x)
        sizes.append(units)
        if i < len(widths):
            x = layers.Activation(activation, name=f"{activation}{i}")(x)
    for layer in code:
        x = layer(x)
    x = layers.Identity(name="code")(x)  # (batch, widths[-1])
    for i in range(len(widths), 0, -1):
        if tied:
            x = forth[i - 1](x, back=True)
        else:
            x = layers.Dense(sizes[i - 1], kernel_initializer="he_normal", name=f"decode{i}")(x)
        if i > 1:
            x = layers.Activation(activation, name=f"{activation}_back{i}")(x)
    x = layers.Activation("sigmoid", name="pixels")(x)  # (batch, 784)
    return keras.Model(image, layers.Reshape((28, 28, 1), name="reconstruction")(x), name="autoencoder")


def _check(builder: str, widths: tuple[int, ...]) -> None:
    if not widths or min(widths) < 1:
        raise ValueError(f"{builder}: widths must be 1 or more each, one at least. Received: {widths}")


def build_anomaly(*, features: int = 64, hidden: tuple[int, ...] = (128, 128), code: int = 8) -> keras.Model:
    """A dense autoencoder whose error tells how unlike its training data a sample is (Banbury et al. 2021, "MLPerf Tiny
    Benchmark", 3.4, where it has 640 features and hidden layers of 128).

    Args:
        features: of a sample.
        hidden: units of the layers before the code; after it come the same in reverse.
        code: units of the narrowest layer.

    Returns:
        Functional model. Input "features" (batch, features), float32; outputs "reconstruction", the same shape, and
        "error", the mean squared difference of the two, (batch, 1). Layer "code" is (batch, code).

    Raises:
        ValueError: a layer without units.
    """
    if min(features, code, *hidden) < 1:
        received = f"features={features}, hidden={hidden}, code={code}"
        raise ValueError(f"build_anomaly: every layer must have units. Received: {received}")
    given = x = keras.Input((features,), name="features")

    def dense(x: Any, units: int, name: str) -> Any:
        x = layers.Dense(units, use_bias=False, kernel_initializer="he_normal", name=name)(x)
        x = layers.BatchNormalization(name=f"{name}_norm")(x)
        return layers.ReLU(name=f"{name}_relu")(x)

    for i, units in enumerate(hidden, start=1):
        x = dense(x, units, f"encode{i}")  # (batch, units)
    x = layers.Identity(name="code")(dense(x, code, "narrow"))  # (batch, code)
    for i, units in enumerate(reversed(hidden), start=1):
        x = dense(x, units, f"decode{i}")
    reconstruction = layers.Dense(features, name="reconstruction")(x)  # (batch, features)
    error = SquaredError(name="error")([given, reconstruction])  # (batch, 1)
    return keras.Model(given, [reconstruction, error], name="anomaly")
