"""A mean over seeds and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

HOW = (
    "Figures are means over seeds with a 95% interval by Student's t, n - 1 degrees of freedom, over the seeds' own "
    "figures. A seed draws the first weights and the order of the samples; the splits stay the same, so the interval "
    "does not tell how another test set would differ."
)


@dataclass(frozen=True)
class Interval:
    """The mean of n figures, and half the width of its 95% interval; NaN for a single one."""

    mean: float
    half: float
    n: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Interval:
        """Student's t: mean ± t(0.975, n - 1) s / √n. Not finite if one of the values is not."""
        from scipy.stats import t

        found = np.asarray(list(values), np.float64)
        n = len(found)
        if n < 2 or not np.isfinite(found).all():
            return cls(float(found.mean()) if n else math.nan, math.nan, n)
        half = float(t.ppf(0.975, n - 1) * found.std(ddof=1) / math.sqrt(n))
        return cls(float(found.mean()), half, n)

    @property
    def low(self) -> float:
        return self.mean - self.half

    @property
    def high(self) -> float:
        return self.mean + self.half

    def told(self, digits: int = 3) -> str:
        """`0.123 ± 0.004`."""
        return self._told(f".{digits}f", 1.0, "")

    def percent(self, digits: int = 1) -> str:
        """`96.2% ± 0.3`."""
        return self._told(f".{digits}f", 100.0, "%")

    def _told(self, form: str, factor: float, unit: str) -> str:
        if not math.isfinite(self.mean):
            return "not finite"
        half = "" if math.isnan(self.half) else f" ± {factor * self.half:{form}}"
        return f"{factor * self.mean:{form}}{unit}{half}"
