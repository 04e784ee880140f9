"""Interpreters behind one face: a session takes arrays in the graph's own types and gives arrays back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from edgeproof.errors import Refused


@dataclass(frozen=True)
class Port:
    """One end of a graph. `scale` is 0.0 when the values are what they mean; shape None on free axes."""

    name: str
    shape: tuple[int | None, ...]
    dtype: np.dtype
    scale: float = 0.0
    zero_point: int = 0

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Real values as the graph takes them: q = round(x / scale) + zero_point, clipped to the type.

        Raises:
            Refused: fractions, or numbers out of range, for a port that takes whole numbers as they are.
        """
        if not self.scale:
            with np.errstate(invalid="ignore"):
                ready = np.ascontiguousarray(values, self.dtype)
            if self.dtype.kind in "iu" and not np.array_equal(ready, values):
                raise Refused(
                    f'input: "{self.name}" takes whole numbers of type {self.dtype}.',
                    received=f"{values.dtype} from {values.min()} to {values.max()}, which would not stay as they are",
                    fix="pass the numbers that the graph was made for, such as indices of tokens",
                )
            return ready
        limits = np.iinfo(self.dtype)
        quantized = np.rint(values * np.float32(1.0 / self.scale)) + self.zero_point
        return np.asarray(np.clip(quantized, limits.min, limits.max), self.dtype)

    def decode(self, values: np.ndarray) -> np.ndarray:
        """What the graph gives as real values: (q - zero_point) * scale."""
        if not self.scale:
            return values
        return (values.astype(np.float32) - np.float32(self.zero_point)) * np.float32(self.scale)


class Session(Protocol):
    """A loaded graph. Calling it runs it once; arrays are in the order and types of the ports."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    def __call__(self, feeds: Sequence[np.ndarray]) -> list[np.ndarray]: ...

    def reset(self) -> None:
        """Forget what the graph itself keeps between runs."""


def check_feed(port: Port, values: np.ndarray) -> None:
    """Refuse values whose shape the port can't take."""
    fits = len(values.shape) == len(port.shape) and all(
        want is None or want == got for want, got in zip(port.shape, values.shape, strict=True)
    )
    if not fits:
        wanted = tuple("any" if side is None else side for side in port.shape)
        raise Refused(
            f'input: "{port.name}" takes an array of shape {wanted}.'.replace("'any'", "any"),
            received=f"shape {values.shape}",
            fix="pass one sample in the graph's own layout, with the batch axis first",
        )


__all__ = ["Port", "Session", "check_feed"]
