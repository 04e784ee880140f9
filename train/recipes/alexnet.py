"""AlexNet on small colour pictures: convolutions in two halves, local response normalization, overlapping pooling.

Krizhevsky, Sutskever, Hinton 2012, "ImageNet classification with deep convolutional neural networks". `size=small`
(default) has its layers for 32 pixels; `size=full` is the published network of 60,965,224 parameters, and needs a
larger machine. Training pictures are changed as in section 4.1: windows of seven eighths of the side (224 of 256),
left for right, and light along the colours' principal axes. What differs from the paper: a window is enlarged to the
whole, and the test sees each picture whole once instead of ten windows of it; AdamW and a cosine schedule; the data.

    python -m train alexnet                                                 four minutes on 2 cores
    python -m train alexnet --data cifar10 --data-dir DIR                   an hour
"""

from __future__ import annotations

from edgeproof.contract import Frontend
from train import pictures
from train.fits import Supervised
from train.recipe import Goal, Settings, When


def _frontends(settings: Settings) -> tuple[Frontend, ...]:
    return (pictures.frontend(227 if settings["size"] == "full" else 32),)


RECIPE = pictures.recipe(
    title="AlexNet",
    paper="Krizhevsky et al. 2012",
    build="models.alexnet:build_alexnet",
    arguments={"size": "small", "classes": 10},
    frontends=_frontends,
    fit=Supervised(epochs=40, batch=64, learning_rate=1e-3, weight_decay=0.05, crop=0.875, flip=True, lighting=0.1),
    # Half of the drawn shapes turned left for right would be other shapes.
    when=(When({"data": "embedded"}, {"epochs": 12, "flip": False}),),
    tiny={"size": "tiny", "epochs": 2, "batch": 128},
    goal=Goal(metric="accuracy", floors={"embedded": 0.91}),
)
