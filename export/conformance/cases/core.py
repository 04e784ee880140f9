"""Dense layers, merging, masks, and what only training sees."""

from __future__ import annotations

from keras import layers as L

from export.conformance.cases import Case

_ROW, _ROWS, _PLANE = ((32,),), ((6, 32),), ((6, 5, 4),)
_PAIR = ((6, 32), (6, 32))

CASES = [
    Case("Dense", "", L.Dense(32), _ROW),
    Case("Dense", "relu, of rows", L.Dense(32, activation="relu"), _ROWS),
    Case("Dense", "softmax", L.Dense(32, activation="softmax"), _ROW),
    Case("EinsumDense", "abc,cd->abd", L.EinsumDense("abc,cd->abd", (None, 32), bias_axes="d"), _ROWS),
    Case("EinsumDense", "abc,cde->abde", L.EinsumDense("abc,cde->abde", (None, 4, 8), bias_axes="de"), _ROWS),
    Case("EinsumDense", "over two axes", L.EinsumDense("abc,bcd->ad", (16,)), _ROWS),
    Case("Identity", "", L.Identity(), _ROWS),
    Case("InputLayer", "", lambda x: L.Identity()(x), _ROWS),
    Case("Masking", "", lambda x: L.Masking()(x), _ROWS, "masked"),
    Case("Add", "", lambda x, y: L.Add()([x, y]), _PAIR),
    Case("Subtract", "", lambda x, y: L.Subtract()([x, y]), _PAIR),
    Case("Multiply", "", lambda x, y: L.Multiply()([x, y]), _PAIR),
    Case("Average", "", lambda x, y: L.Average()([x, y]), _PAIR),
    Case("Maximum", "", lambda x, y: L.Maximum()([x, y]), _PAIR),
    Case("Minimum", "", lambda x, y: L.Minimum()([x, y]), _PAIR),
    Case("Concatenate", "", lambda x, y: L.Concatenate()([x, y]), _PAIR),
    Case("Concatenate", "axis 1", lambda x, y: L.Concatenate(axis=1)([x, y]), _PAIR),
    Case("Dot", "", lambda x, y: L.Dot(axes=2)([x, y]), _PAIR),
    Case("Dot", "normalized", lambda x, y: L.Dot(axes=1, normalize=True)([x, y]), ((8,), (8,))),
    Case("Dropout", "", L.Dropout(0.3), _ROWS),
    Case("AlphaDropout", "", L.AlphaDropout(0.3), _ROWS),
    Case("GaussianDropout", "", L.GaussianDropout(0.3), _ROWS),
    Case("GaussianNoise", "", L.GaussianNoise(0.3), _ROWS),
    Case("SpatialDropout1D", "", L.SpatialDropout1D(0.3), _ROWS),
    Case("SpatialDropout2D", "", L.SpatialDropout2D(0.3), _PLANE),
    Case("SpatialDropout3D", "", L.SpatialDropout3D(0.3), ((4, 4, 3, 2),)),
    Case("ActivityRegularization", "", L.ActivityRegularization(0.1), _ROWS),
]

REASONS = {
    "Layer": "abstract",
    "Wrapper": "abstract",
    "InputSpec": "no layer: describes what a layer takes",
    "Lambda": "holds Python bytecode, which is never decoded; use keras.ops or a layer of its own",
    "FlaxLayer": "of the JAX backend",
    "JaxLayer": "of the JAX backend",
    "TorchModuleWrapper": "of the PyTorch backend",
    "TFSMLayer": "a SavedModel from elsewhere: its graph is in no checkpoint; rebuild it of Keras layers",
}
