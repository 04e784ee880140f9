"""Principal components, what every autoencoder is held against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Components:
    """The best linear code of a width (Pearson 1901): `axes` (width, features) about `mean`."""

    mean: np.ndarray
    axes: np.ndarray

    @staticmethod
    def of(samples: np.ndarray, width: int) -> Components:
        """Of samples (n, features); at most as many axes as there are features or samples."""
        mean = samples.mean(axis=0, dtype=np.float64)
        _, _, axes = np.linalg.svd(samples - mean, full_matrices=False)
        return Components(mean, axes[:width])

    def codes(self, samples: np.ndarray) -> np.ndarray:
        """(n, width)."""
        return np.asarray((samples - self.mean) @ self.axes.T)

    def back(self, samples: np.ndarray) -> np.ndarray:
        """Samples as the code gives them back, (n, features)."""
        return np.asarray(self.codes(samples) @ self.axes + self.mean)
