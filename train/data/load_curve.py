"""An electric load and the temperature by the hour: two series by a SYNTHETIC generator.

The load has a day's shape, less of it at weekends, and follows cold and heat with a few hours' delay; temperature has a
day's swing and weather that lasts for days. Neither the day of the week nor the weather of tomorrow can be
seen: they have to be read off what has been.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from train.data import Dataset, embedded_only, windows

COLUMNS = ("load", "temperature")
PAST, HORIZON = 96, 24
HOURS = 24 * 7 * 30
ENDS = (24 * 7 * 20, 24 * 7 * 24, 24 * 7 * 30)


def load(directory: Path | None = None) -> Dataset:
    """The embedded series, twenty weeks to learn from, four to choose by, six to be judged on.

    Raises:
        Refused: a folder is given, which would be passed over in silence.
    """
    embedded_only(directory, "the embedded series is made by a generator", "ett")
    train, validation, test = windows.parts(curve(HOURS, seed=0), ENDS, PAST, HORIZON)
    return Dataset(
        name="embedded",
        title=f"{HOURS:,} hours of load and temperature, made by a SYNTHETIC generator (train/data/load_curve.py)",
        licence="Apache-2.0",
        synthetic=True,
        train=train,
        validation=validation,
        test=test,
        columns=COLUMNS,
    )


def curve(hours: int, *, seed: int) -> np.ndarray:
    """(hours, 2): load in megawatts, temperature in degrees Celsius."""
    rng = np.random.default_rng([seed, 40])
    hour, day = np.arange(hours) % 24, np.arange(hours) // 24
    weather = np.zeros(hours)
    for t in range(1, hours):
        weather[t] = 0.985 * weather[t - 1] + rng.normal(0, 0.55)
    temperature = 14 + 4 * np.sin(2 * np.pi * (hour - 9) / 24) + weather
    shape = (
        0.6 * np.exp(-((hour - 8) ** 2) / 8)
        + 0.9 * np.exp(-((hour - 19) ** 2) / 12)
        - 0.5 * np.exp(-((hour - 3) ** 2) / 18)
    )
    weekend = np.where(day % 7 >= 5, 0.6, 1.0)
    felt = np.convolve(temperature, np.ones(6) / 6)[:hours]
    need = 0.03 * np.maximum(15 - felt, 0) + 0.05 * np.maximum(felt - 22, 0)
    demand = 10 * (3 + weekend * shape + need - 0.3 * (weekend < 1)) + rng.normal(0, 0.4, hours)
    return np.stack([demand, temperature], axis=1)
