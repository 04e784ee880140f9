"""Layers that move numbers and leave them as they are: reshaping, padding, cropping, repeating."""

from __future__ import annotations

from keras import layers as L

from export.conformance.cases import Case

_ROWS, _PLANE, _BLOCK = ((6, 8),), ((6, 5, 4),), ((4, 4, 3, 2),)

CASES = [
    Case("Flatten", "", L.Flatten(), _PLANE),
    Case("Reshape", "", L.Reshape((4, 12)), _ROWS),
    Case("Permute", "", L.Permute((2, 1)), _ROWS),
    Case("Permute", "of planes", L.Permute((3, 1, 2)), _PLANE),
    Case("RepeatVector", "", L.RepeatVector(3), ((8,),)),
    Case("Cropping1D", "", L.Cropping1D((1, 2)), _ROWS),
    Case("Cropping2D", "", L.Cropping2D(((1, 2), (1, 0))), _PLANE),
    Case("Cropping3D", "", L.Cropping3D(1), ((4, 4, 3, 2),)),
    Case("ZeroPadding1D", "", L.ZeroPadding1D((1, 2)), _ROWS),
    Case("ZeroPadding2D", "", L.ZeroPadding2D(((1, 2), (1, 0))), _PLANE),
    Case("ZeroPadding3D", "", L.ZeroPadding3D(1), _BLOCK),
    Case("UpSampling1D", "", L.UpSampling1D(2), _ROWS),
    Case("UpSampling2D", "", L.UpSampling2D(2), _PLANE),
    Case("UpSampling2D", "bilinear", L.UpSampling2D(2, interpolation="bilinear"), _PLANE),
    Case("UpSampling3D", "", L.UpSampling3D(2), _BLOCK),
]
