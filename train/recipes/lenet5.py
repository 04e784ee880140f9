"""LeNet-5 on handwritten digits.

LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document recognition". Three variants:
`relu` (default) and `sigmoid`, as taught today, and `1998`, as published: trainable subsampling, table I between
S2 and C3, scaled tanh, Euclidean RBF outputs against 7x12 bitmaps, the discriminative MAP criterion (equation 9).

What differs from the paper: AdamW with a cosine schedule instead of the stochastic diagonal Levenberg-Marquardt
of appendix C; the bitmaps are drawn after its figure 3; the constant j of equation 9 is ours, the paper names none.

    python -m train lenet5                                                    half a minute on 2 cores
    python -m train lenet5 --data mnist --data-dir DIR --seeds 3              4 minutes
    python -m train lenet5 --data mnist --data-dir DIR --seeds 3 --set variant=1998    8 minutes
"""

from __future__ import annotations

from edgeproof.contract import Frontend
from train import handwritten
from train.fits import Supervised
from train.recipe import Goal, Published, Settings, When


def _frontends(settings: Settings) -> tuple[Frontend, ...]:
    if settings["variant"] != "1998":
        return handwritten.frontends(settings)
    # Ground -0.1 and ink 1.175 (II.B), on a field two pixels wider than the digit's on each side.
    ink: dict[str, object] = {"op": "scale", "factor": 1.275 / 255.0, "offset": -0.1}
    return (Frontend("image", "image", (*handwritten.SIZED, ink, {"op": "pad", "pixels": 2, "value": -0.1})),)


RECIPE = handwritten.recipe(
    title="LeNet-5",
    paper="LeCun et al. 1998",
    build="models.lenet5:build_lenet5",
    arguments={"variant": "relu", "classes": 10},
    fit=Supervised(epochs=12, batch=64, learning_rate=2e-3, weight_decay=0.01),
    when=(
        When({"data": "embedded"}, {"epochs": 60, "batch": 32, "shift": 2.0, "rotate": 10.0}),
        When({"variant": "1998"}, {"loss": "map", "epochs": 20, "weight_decay": 0.0}),
        When({"variant": "1998", "data": "embedded"}, {"epochs": 60}),
        When({"variant": "sigmoid"}, {"epochs": 20, "learning_rate": 4e-3, "weight_decay": 0.0}),
        When({"variant": "sigmoid", "data": "embedded"}, {"epochs": 60}),
    ),
    tiny={"epochs": 2, "batch": 64, "shift": 0.0, "rotate": 0.0},
    goal=Goal(
        metric="accuracy",
        floors={"embedded": 0.985, "mnist": 0.990, "mnist/1998": 0.985, "mnist/sigmoid": 0.985},
        published={"mnist/1998": Published(0.9905, "LeCun et al. 1998, III.B: 0.95% error without distortions")},
    ),
    frontends=_frontends,
)
