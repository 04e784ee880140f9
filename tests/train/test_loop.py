"""The loop around epochs: what it keeps, what it refuses, what it tells."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from edgeproof.contract import Contract, Graph, Tensor
from edgeproof.errors import Refused
from train import checkpoint, loop
from train.progress import Progress, clock


class Counting:
    """An objective whose one weight counts epochs, and whose figures are given."""

    def __init__(
        self,
        figures: Callable[[int], dict[str, float]] = lambda index: {"loss": 1.0 / (index + 1)},
        epochs: int = 4,
    ) -> None:
        self.epochs = epochs
        self.culprit = ""
        x = keras.Input((1,), name="x")
        self.model = keras.Model(x, keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros", name="y")(x))
        self._figures = figures

    def variables(self) -> list[Any]:
        return list(self.model.variables)

    def epoch(self, index: int, progress: Callable[[float], None]) -> dict[str, float]:
        self.model.variables[0].assign_add([[1.0]])
        progress(1.0)
        return self._figures(index)

    def count(self) -> float:
        return float(self.model.variables[0].numpy()[0, 0])


def run(path: Path | None, epochs: int = 4) -> loop.Run:
    contract = Contract("counting", (Graph("main", (Tensor("x", (None, 1)),), (Tensor("y", (None, 1)),)),))
    return loop.Run(path, contract, {"epochs": epochs, "learning_rate": 0.5}, "data")


def test_every_epoch_is_watched_and_checkpointed(tmp_path: Path) -> None:
    path, seen = tmp_path / "c.h5", []

    def watch(epoch: int, figures: dict[str, float]) -> None:
        state = checkpoint.read_state(path)
        assert state is not None
        seen.append((epoch, figures["loss"], state.epoch, float(state.variables[0][0, 0]), len(state.history)))

    history, seconds = loop.fit(Counting(), run(path), watch=watch, quiet=True)
    assert seen == [(i, 1 / (i + 1), i + 1, i + 1.0, i + 1) for i in range(4)]
    assert history == [{"loss": 1 / (i + 1)} for i in range(4)]
    assert seconds >= 0


def test_a_stopped_run_goes_on_where_it_stood(tmp_path: Path) -> None:
    path, asked = tmp_path / "c.h5", []

    def stop(epoch: int, figures: dict[str, float]) -> None:
        if epoch == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop.fit(Counting(), run(path), watch=stop, quiet=True)
    state = checkpoint.read_state(path)
    assert state is not None

    def figures(index: int) -> dict[str, float]:
        asked.append(index)
        return {"loss": 1.0 / (index + 1)}

    again = Counting(figures)
    history, seconds = loop.fit(again, run(path), state=state, quiet=True)
    assert asked == [2, 3]
    assert again.count() == 4.0
    assert history == [{"loss": 1 / (i + 1)} for i in range(4)]
    assert seconds >= state.seconds


@pytest.mark.parametrize("wild", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("figure", ["loss", "validation_loss"])
def test_figures_that_are_not_finite_stop_the_run_and_keep_the_last_good_checkpoint(
    tmp_path: Path, wild: float, figure: str
) -> None:
    path = tmp_path / "c.h5"
    figures = {"loss": 1.0, "validation_loss": 1.0}
    subject = Counting(lambda index: {**figures, figure: wild} if index == 2 else figures)
    with pytest.raises(Refused, match="train: the loss must stay finite") as refused:
        loop.fit(subject, run(path), quiet=True)
    assert refused.value.received == f"{figure.replace('_', ' ')} {wild} in epoch 3, learning_rate 0.5"
    assert refused.value.fix == "lower it: --set learning_rate=0.05; the checkpoint of epoch 2 is kept"
    state = checkpoint.read_state(path)
    assert state is not None
    assert (state.epoch, float(state.variables[0][0, 0])) == (2, 2.0)


def test_without_a_path_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    subject = Counting()
    loop.fit(subject, run(None), quiet=True)
    assert subject.count() == 4.0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("variables", [[], [np.zeros((1, 2))], [np.zeros((1, 1)), np.zeros(())]])
def test_a_state_of_another_model_is_refused(variables: list[np.ndarray]) -> None:
    state = checkpoint.State(1, [{"loss": 1.0}], {}, "data", variables, 0.0)
    subject = Counting()
    with pytest.raises(Refused, match="the checkpoint of the same model and optimizer"):
        loop.fit(subject, run(None), state=state, quiet=True)
    assert subject.count() == 0.0


def test_progress_tells_figures_and_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(3, 1)
    progress.within(0.5)
    progress.finished({"loss": 0.25, "validation_score": 0.9876})
    progress.finished({"loss": 0.125, "validation_score": 1.0})
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("epoch 2/3  loss 0.2500  validation score 98.76%  0:0")
    assert first.endswith(" left")
    assert second == "epoch 3/3  loss 0.1250  validation score 100.00%"


def test_quiet_progress_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(1, quiet=True)
    progress.within(0.5)
    progress.finished({"loss": 1.0})
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0:00"), (59.6, "1:00"), (75, "1:15"), (3600, "1:00:00"), (math.nan, "?")]
)
def test_times_are_told_as_a_clock_does(seconds: float, told: str) -> None:
    assert clock(seconds) == told
