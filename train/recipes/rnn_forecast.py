"""What comes next in a series: recurrent networks, with the season before and a linear forecast beside them.

Hochreiter, Schmidhuber 1997, "Long short-term memory"; the data and its splits of `ett` are of Zhou et al. 2021,
"Informer: beyond efficient transformer for long sequence time-series forecasting". The network adds what it has learned
to the season before. The embedded series, load and temperature by the hour, is made by a generator; `ett` is ETTh1, and
`airline` the passengers of Box and Jenkins 1970, twelve months ahead. `prices` are one day ahead, from any file of
them; there the season before is the last price, which is hard to beat: `python -m train.study walk-forward` says how
hard.

    python -m train rnn_forecast
    python -m train rnn_forecast --data ett --data-dir DIR
    python -m train rnn_forecast --data airline --data-dir DIR
    python -m train rnn_forecast --data prices --data-dir DIR
"""

from __future__ import annotations

from edgeproof.contract import Decode, Tolerance
from train import limits, series
from train.fits import Supervised
from train.recipe import Goal, Recipe, When

RECIPE = Recipe(
    title="Forecast",
    paper="Hochreiter, Schmidhuber 1997; Zhou et al. 2021",
    build="models.rnn:build_rnn_forecast",
    arguments={"variant": "lstm", "past": 96, "horizon": 24, "columns": 2, "units": 32, "dropout": 0.3},
    data={
        "embedded": "train.data.load_curve",
        "ett": "train.data.ett",
        "airline": "train.data.airline",
        "prices": "train.data.prices",
    },
    fit=Supervised(loss="squared", epochs=15, batch=32, learning_rate=3e-3, weight_decay=1e-3, clip=1.0),
    when=(
        When({"data": "ett"}, {"columns": 7, "epochs": 6}),
        When({"data": "airline"}, {"columns": 1, "past": 24, "horizon": 12, "epochs": 100, "units": 16, "batch": 8}),
        When({"data": "prices"}, {"columns": 1, "past": 32, "horizon": 1, "units": 16}),
    ),
    tiny={"epochs": 2},
    goal=Goal(metric="explained variance", floors={"embedded": 0.8}),
    frontends=lambda settings: (series.columns(settings["past"]),),
    decode=Decode("forecast", output="future"),
    tolerances={"f32": Tolerance(relative=1e-5, relative_l2=1e-5, drop=0.01)},
    refused_of={"gru": limits.GRU},
    beside={
        "the season before again": "train.series:season_before",
        "linear forecast (ridge regression)": "train.series:linear",
    },
    use="Forecasting a few series together, a season ahead, from the seasons before it, where what is coming is like "
    "what has been.",
    limits="It knows no calendar and nothing but the series themselves: a holiday, a new plant or a crisis it can't "
    "foresee. The card says by how much it beats a linear forecast and the season before, or that it does not.",
)
