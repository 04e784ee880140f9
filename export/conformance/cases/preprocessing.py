"""Preprocessing: what makes sense inside a graph on a device, and why the rest does not."""

from __future__ import annotations

from typing import Any

from keras import layers as L

from export.conformance.cases import Case

_PICTURE = ((8, 9, 3),)
_RANDOM = (
    "AugMix", "CutMix", "MixUp", "RandAugment", "RandomBrightness", "RandomColorDegeneration", "RandomColorJitter",
    "RandomContrast", "RandomElasticTransform", "RandomErasing", "RandomFlip", "RandomGaussianBlur", "RandomGrayscale",
    "RandomHue", "RandomInvert", "RandomPerspective", "RandomPosterization", "RandomRotation", "RandomSaturation",
    "RandomSharpness", "RandomShear", "RandomTranslation", "RandomZoom",
)  # fmt: skip

CASES = [
    Case("Rescaling", "", L.Rescaling(1 / 127.5, -1), _PICTURE, "pixels"),
    Case(
        "Normalization",
        "",
        lambda x: L.Normalization(mean=[100, 110, 120], variance=[900, 1600, 2500])(x),
        _PICTURE,
        "pixels",
    ),
    Case("CenterCrop", "", L.CenterCrop(5, 6), _PICTURE, "pixels"),
    Case("Resizing", "bilinear", L.Resizing(6, 12), _PICTURE, "pixels"),
    Case("Resizing", "nearest", L.Resizing(6, 12, interpolation="nearest"), _PICTURE, "pixels"),
    Case("Resizing", "bicubic", L.Resizing(6, 12, interpolation="bicubic"), _PICTURE, "pixels"),
    Case("RandomCrop", "", L.RandomCrop(5, 6), _PICTURE, "pixels"),
    Case(
        "Discretization",
        "",
        lambda x: L.Discretization(bin_boundaries=[-1.0, 0.0, 1.0], output_mode="one_hot")(x),
        ((1,),),
    ),
    Case("CategoryEncoding", "one hot", L.CategoryEncoding(8, output_mode="one_hot"), ((1,),), "index8"),
    Case("CategoryEncoding", "multi hot", L.CategoryEncoding(8, output_mode="multi_hot"), ((4,),), "index8"),
    Case("AutoContrast", "", L.AutoContrast(), _PICTURE, "pixels"),
    Case("Solarization", "", L.Solarization(threshold_factor=0.5), _PICTURE, "pixels"),
    Case(
        "ContrastLimitedAdaptiveHistogramEqualization",
        "",
        L.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(2, 2)),
        ((16, 16, 3),),
        "pixels",
    ),
    Case(
        "MelSpectrogram",
        "",
        L.MelSpectrogram(
            num_mel_bins=8, fft_length=64, sequence_stride=32, sampling_rate=1000, max_freq=500, min_freq=20
        ),
        ((256,),),
    ),
    Case(
        "STFTSpectrogram", "", L.STFTSpectrogram(mode="log", frame_length=32, frame_step=16, fft_length=32), ((256, 1),)
    ),
    *(Case(name, "", lambda x, name=name: _augmentation(name)(x), _PICTURE, "pixels") for name in _RANDOM),
]


def _augmentation(name: str) -> Any:
    arguments: dict[str, dict[str, Any]] = {
        "RandomBrightness": {"factor": 0.2}, "RandomColorDegeneration": {"factor": 0.5},
        "RandomContrast": {"factor": 0.2},
        "RandomHue": {"factor": 0.2}, "RandomPosterization": {"factor": 4}, "RandomRotation": {"factor": 0.1},
        "RandomSaturation": {"factor": 0.5}, "RandomSharpness": {"factor": 0.5},
        "RandomTranslation": {"height_factor": 0.1, "width_factor": 0.1}, "RandomZoom": {"height_factor": 0.1},
        # Of a single number Keras writes a range from below zero, which it then refuses to read.
        "RandomShear": {"x_factor": (0.0, 0.1), "y_factor": (0.0, 0.1)},
    }  # fmt: skip
    return getattr(L, name)(**arguments.get(name, {}))


REASONS = {
    "Equalization": "hands back its symbolic input, so no functional model of it can be saved; equalize before",
    "Hashing": "hashes text by a lookup, not for a device; hash before the graph",
    "HashedCrossing": "hashes text by a lookup, not for a device; hash before the graph",
    "IntegerLookup": "a table outside the graph; map the numbers before the graph, or use Embedding",
    "StringLookup": "text; map it to numbers before the graph (the contract's frontend)",
    "TextVectorization": "text; map it to numbers before the graph (the contract's frontend)",
    "MaxNumBoundingBoxes": "works on dictionaries of boxes in a training pipeline, not on a tensor",
    "Pipeline": "holds other layers; a model of the same layers is the same",
}
