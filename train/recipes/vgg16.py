"""VGG16 on small colour pictures: thirteen convolutions of 3x3 in five blocks.

Simonyan and Zisserman 2015, "Very deep convolutional networks for large-scale image recognition", configuration D.
`size=small` (default) has its blocks an eighth as wide, with batch normalization, for 32 pixels; `size=full` is the
published network of 138,357,544 parameters, with the layer names of `keras.applications.VGG16`, and needs a larger
machine. What differs from the paper: that normalization, AdamW and a cosine schedule, and the data.

    python -m train vgg16                                                   three minutes on 2 cores
    python -m train vgg16 --data cifar10 --data-dir DIR                     an hour
"""

from __future__ import annotations

from edgeproof.contract import Decode, Frontend
from train import pictures
from train.fits import Supervised
from train.recipe import Goal, Settings, When


def _frontends(settings: Settings) -> tuple[Frontend, ...]:
    return (pictures.frontend(224 if settings["size"] == "full" else 32),)


RECIPE = pictures.recipe(
    title="VGG16",
    paper="Simonyan, Zisserman 2015",
    build="models.vgg16:build_vgg16",
    arguments={"size": "small", "top": True, "classes": 10},
    frontends=_frontends,
    decode=Decode("classify", output="predictions", scores="logits"),
    fit=Supervised(epochs=40, batch=64, learning_rate=2e-3, weight_decay=0.05, pad=4, flip=True),
    when=(When({"data": "embedded"}, {"epochs": 20, "pad": 0, "flip": False}),),
    tiny={"epochs": 8},
    goal=Goal(metric="accuracy", floors={"embedded": 0.94}),
)
