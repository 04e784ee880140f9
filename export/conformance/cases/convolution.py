"""Convolutions, 1-3D: plain, grouped, dilated, strided, causal, depthwise, separable, transposed."""

from __future__ import annotations

from keras import layers as L

from export.conformance.cases import Case

_LINE, _PLANE, _BLOCK = ((16, 16),), ((10, 9, 16),), ((6, 5, 4, 8),)

CASES = [
    Case("Conv1D", "", L.Conv1D(16, 3), _LINE),
    Case("Conv1D", "same, stride 2", L.Conv1D(16, 3, strides=2, padding="same"), _LINE),
    Case("Conv1D", "causal, dilation 2", L.Conv1D(16, 3, padding="causal", dilation_rate=2), _LINE),
    Case("Conv1D", "groups 2", L.Conv1D(48, 3, groups=2), _LINE),
    Case("Conv2D", "", L.Conv2D(16, 3), _PLANE),
    Case("Conv2D", "same, stride 2, relu", L.Conv2D(16, 3, strides=2, padding="same", activation="relu"), _PLANE),
    Case("Conv2D", "dilation 2", L.Conv2D(16, 3, dilation_rate=2, padding="same"), _PLANE),
    Case("Conv2D", "groups 2", L.Conv2D(16, 3, groups=2), _PLANE),
    Case("Conv2D", "groups 4, stride 2", L.Conv2D(16, 3, groups=4, strides=2, padding="same"), _PLANE),
    Case("Conv2D", "no bias, 1x1", L.Conv2D(64, 1, use_bias=False), _PLANE),
    Case("Conv3D", "", L.Conv3D(8, 3), _BLOCK),
    Case("Conv3D", "same, stride 2", L.Conv3D(8, 3, strides=2, padding="same"), _BLOCK),
    Case("Conv3D", "groups 2", L.Conv3D(8, 3, groups=2), _BLOCK),
    Case("DepthwiseConv1D", "", L.DepthwiseConv1D(3), _LINE),
    Case("DepthwiseConv1D", "stride 2, multiplier 2", L.DepthwiseConv1D(3, strides=2, depth_multiplier=2), _LINE),
    Case("DepthwiseConv2D", "", L.DepthwiseConv2D(3), _PLANE),
    Case("DepthwiseConv2D", "same, stride 2", L.DepthwiseConv2D(3, strides=2, padding="same"), _PLANE),
    Case(
        "DepthwiseConv2D", "dilation 2, multiplier 2", L.DepthwiseConv2D(3, dilation_rate=2, depth_multiplier=2), _PLANE
    ),
    Case("SeparableConv1D", "", L.SeparableConv1D(16, 3), _LINE),
    Case("SeparableConv2D", "", L.SeparableConv2D(16, 3), _PLANE),
    Case("SeparableConv2D", "same, stride 2", L.SeparableConv2D(16, 3, strides=2, padding="same"), _PLANE),
    Case("Conv1DTranspose", "", L.Conv1DTranspose(32, 3), _LINE),
    Case("Conv1DTranspose", "same, stride 2", L.Conv1DTranspose(32, 3, strides=2, padding="same"), _LINE),
    Case("Conv2DTranspose", "", L.Conv2DTranspose(16, 3), _PLANE),
    Case("Conv2DTranspose", "same, stride 2", L.Conv2DTranspose(16, 3, strides=2, padding="same"), _PLANE),
    Case("Conv3DTranspose", "", L.Conv3DTranspose(16, 3), _BLOCK),
    Case("Conv3DTranspose", "same, stride 2", L.Conv3DTranspose(16, 3, strides=2, padding="same"), _BLOCK),
]
