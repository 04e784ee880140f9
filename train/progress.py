"""What a person sees while training: one line an epoch, and in a terminal a live line with the time left."""

from __future__ import annotations

import sys
import time


class Progress:
    """Prints to standard error.

    Args:
        epochs: in the whole run.
        done: of them, before this process began.
        quiet: print nothing.
    """

    def __init__(self, epochs: int, done: int = 0, *, quiet: bool = False) -> None:
        self._epochs, self._first, self._epoch = epochs, done, done
        self._quiet = quiet
        self._live = sys.stderr.isatty() and not quiet
        self._start = self._shown = time.monotonic()

    def within(self, part: float) -> None:
        """Part of the current epoch done, from 0 to 1."""
        now = time.monotonic()
        if self._live and now - self._shown > 0.2:
            self._shown = now
            left = clock(self._left(part))
            print(
                f"\repoch {self._epoch + 1}/{self._epochs}  {part:4.0%}  {left} left ",
                end="",
                file=sys.stderr,
                flush=True,
            )

    def finished(self, figures: dict[str, float]) -> None:
        """An epoch is over, with these figures."""
        self._epoch += 1
        if self._quiet:
            return
        told = "  ".join(f"{name.replace('_', ' ')} {_figure(name, value)}" for name, value in figures.items())
        left = f"  {clock(self._left(0))} left" if self._epoch < self._epochs else ""
        start = "\r\033[K" if self._live else ""
        print(f"{start}epoch {self._epoch}/{self._epochs}  {told}{left}", file=sys.stderr, flush=True)

    def _left(self, part: float) -> float:
        done = self._epoch - self._first + part
        spent = time.monotonic() - self._start
        return spent / done * (self._epochs - self._epoch - part) if done else float("nan")


def clock(seconds: float) -> str:
    """Seconds as m:ss, or h:mm:ss."""
    if seconds != seconds:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _figure(name: str, value: float) -> str:
    if name == "stage":
        return f"{value:.0f}"
    return f"{value:.2%}" if name.endswith("score") else f"{value:.4f}"
