"""Pooling, 1-3D: windows, global, adaptive."""

from __future__ import annotations

from keras import layers as L

from export.conformance.cases import Case

_LINE, _PLANE, _BLOCK = ((16, 4),), ((10, 9, 4),), ((6, 6, 4, 3),)

CASES = [
    Case("MaxPooling1D", "", L.MaxPooling1D(2), _LINE),
    Case("MaxPooling1D", "same, 3 by 2", L.MaxPooling1D(3, 2, "same"), _LINE),
    Case("MaxPooling2D", "", L.MaxPooling2D(2), _PLANE),
    Case("MaxPooling2D", "same, 3 by 2", L.MaxPooling2D(3, 2, "same"), _PLANE),
    Case("MaxPooling2D", "behind zeros", lambda x: L.MaxPooling2D(3, 2)(L.ZeroPadding2D(1)(x)), _PLANE),
    Case("MaxPooling3D", "", L.MaxPooling3D(2), _BLOCK),
    Case("AveragePooling1D", "", L.AveragePooling1D(2), _LINE),
    Case("AveragePooling1D", "same, 3 by 2", L.AveragePooling1D(3, 2, "same"), _LINE),
    Case("AveragePooling2D", "", L.AveragePooling2D(2), _PLANE),
    Case("AveragePooling2D", "same, 3 by 2", L.AveragePooling2D(3, 2, "same"), _PLANE),
    Case("AveragePooling3D", "", L.AveragePooling3D(2), _BLOCK),
    Case("GlobalMaxPooling1D", "", L.GlobalMaxPooling1D(), _LINE),
    Case("GlobalMaxPooling2D", "", L.GlobalMaxPooling2D(), _PLANE),
    Case("GlobalMaxPooling3D", "", L.GlobalMaxPooling3D(), _BLOCK),
    Case("GlobalAveragePooling1D", "", L.GlobalAveragePooling1D(), _LINE),
    Case("GlobalAveragePooling1D", "masked", lambda x: L.GlobalAveragePooling1D()(L.Masking()(x)), _LINE, "masked"),
    Case("GlobalAveragePooling2D", "", L.GlobalAveragePooling2D(), _PLANE),
    Case("GlobalAveragePooling2D", "keepdims", L.GlobalAveragePooling2D(keepdims=True), _PLANE),
    Case("GlobalAveragePooling3D", "", L.GlobalAveragePooling3D(), _BLOCK),
    Case("AdaptiveAveragePooling1D", "", L.AdaptiveAveragePooling1D(5), _LINE),
    Case("AdaptiveAveragePooling2D", "", L.AdaptiveAveragePooling2D((4, 3)), _PLANE),
    Case("AdaptiveAveragePooling3D", "", L.AdaptiveAveragePooling3D(2), _BLOCK),
    Case("AdaptiveMaxPooling1D", "", L.AdaptiveMaxPooling1D(5), _LINE),
    Case("AdaptiveMaxPooling2D", "", L.AdaptiveMaxPooling2D((4, 3)), _PLANE),
    Case("AdaptiveMaxPooling3D", "", L.AdaptiveMaxPooling3D(2), _BLOCK),
]
