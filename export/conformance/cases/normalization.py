"""Normalization by statistics of training, of the sample, of groups and of weights."""

from __future__ import annotations

from keras import layers as L

from export.conformance.cases import Case

_ROWS, _PLANE = ((6, 8),), ((6, 5, 8),)

CASES = [
    Case("BatchNormalization", "", L.BatchNormalization(), _PLANE),
    Case("BatchNormalization", "after Conv2D", lambda x: L.BatchNormalization()(L.Conv2D(16, 3)(x)), _PLANE),
    Case("BatchNormalization", "of rows", L.BatchNormalization(), ((8,),)),
    Case("LayerNormalization", "", L.LayerNormalization(), _ROWS),
    Case("LayerNormalization", "no scale, no centre", L.LayerNormalization(scale=False, center=False), _ROWS),
    Case("LayerNormalization", "of planes, axes 1 to 3", L.LayerNormalization(axis=(1, 2, 3)), _PLANE),
    Case("RMSNormalization", "", L.RMSNormalization(), _ROWS),
    Case("GroupNormalization", "groups 4", L.GroupNormalization(4), _PLANE),
    Case("GroupNormalization", "instance", L.GroupNormalization(-1), _PLANE),
    Case("UnitNormalization", "", L.UnitNormalization(), _ROWS),
    Case("SpectralNormalization", "Dense", lambda x: L.SpectralNormalization(L.Dense(128))(x), _ROWS),
    Case("SpectralNormalization", "Conv2D", lambda x: L.SpectralNormalization(L.Conv2D(16, 3))(x), _PLANE),
]
