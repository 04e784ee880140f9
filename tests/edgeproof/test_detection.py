"""Words in a stream, against rows of probabilities whose words are known."""

from __future__ import annotations

import json
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgeproof import cli, detection, formats, windows
from edgeproof.contract import Contract, Decode, Frontend, Graph, Tensor
from edgeproof.detection import Detection, Detector, Judged
from edgeproof.errors import Refused
from edgeproof.runner import Model

RATE, LENGTH = 100, 100


def heard(rows: np.ndarray, hop: float, **settings: Any) -> list[Detection]:
    detector = Detector(**settings)
    found = [detector.hear(i * hop, row) for i, row in enumerate(rows)]
    return [each for each in found if each]


def stream(windows_: int, words: list[tuple[int, int, int]], classes: int = 3) -> np.ndarray:
    """Rows without a favourite, but for 0.9 of a class from one window to another."""
    rows = np.full((windows_, classes), 1 / classes)
    for begin, end, index in words:
        rows[begin:end] = 0.1 / (classes - 1)
        rows[begin:end, index] = 0.9
    return rows


def test_a_word_that_many_windows_hold_is_told_once_where_its_mean_is_high_enough() -> None:
    rows = stream(60, [(10, 20, 2), (40, 50, 0)])
    found = heard(rows, 0.1, threshold=0.8, smooth=3, refractory=1.0)
    # of three windows all must hold it: (0.9 + 0.9 + 1/3) / 3 is 0.71
    assert [(round(each.time, 6), each.index) for each in found] == [(1.1, 2), (4.1, 0)]
    assert [each.probability for each in found] == pytest.approx([0.9, 0.9])


def test_a_single_odd_window_is_smoothed_away_and_a_held_word_comes_again_after_the_rest() -> None:
    blip = stream(30, [(10, 11, 1)])
    assert heard(blip, 0.1, threshold=0.8, smooth=3) == []
    assert len(heard(blip, 0.1, threshold=0.8, smooth=1)) == 1
    held = heard(stream(31, [(0, 31, 1)]), 0.25, threshold=0.5, smooth=1, refractory=2.0)
    assert [each.time for each in held] == [0.0, 2.0, 4.0, 6.0]


def test_a_class_that_is_no_word_is_never_told_and_begins_no_rest() -> None:
    rows = stream(40, [(0, 10, 2), (10, 20, 0), (20, 30, 2)])
    found = heard(rows, 0.1, threshold=0.8, smooth=1, refractory=0.5, silent=[2])
    assert [(round(each.time, 6), each.index) for each in found] == [(1.0, 0), (1.5, 0)]
    assert not heard(rows, 0.1, threshold=0.0, silent=[0, 1, 2])


def test_a_threshold_below_a_half_tells_a_word_that_silence_is_likelier_than() -> None:
    rows = np.array([[0.0, 0.1, 0.9], [0.05, 0.3, 0.65], [0.0, 0.1, 0.9]])
    found = heard(rows, 1.0, threshold=0.25, smooth=1, refractory=0.0, silent=[2])
    assert [(each.time, each.index, each.probability) for each in found] == [(1.0, 1, 0.3)]


@given(
    arrays.arrays(np.float64, st.tuples(st.integers(0, 40), st.just(3)), elements=st.floats(0, 1)),
    st.floats(0, 0.99),
    st.integers(1, 6),
    st.integers(0, 12),
)
def test_it_is_the_moving_mean_of_numpy(rows: np.ndarray, threshold: float, smooth: int, rest: int) -> None:
    found = heard(rows, 1.0, threshold=threshold, smooth=smooth, refractory=float(rest))
    means = [rows[max(0, i + 1 - smooth) : i + 1].mean(axis=0) for i in range(len(rows))]
    expected, silent = [], 0
    for i, mean in enumerate(means):
        if i >= silent and mean.max() > threshold:
            expected.append(((max(0, i + 1 - smooth) + i) / 2, int(mean.argmax())))
            silent = i + rest
    assert [(each.time, each.index) for each in found] == expected


@pytest.mark.parametrize(
    "settings",
    [{"threshold": 1.0}, {"threshold": float("nan")}, {"smooth": 0}, {"refractory": -1.0}, {"refractory": np.inf}],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(Refused, match="threshold must be"):
        Detector(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "accepted", "rejected"),
    [
        ([(1.1, 0), (5.1, 1)], 0, 0),
        ([(1.1, 0), (1.2, 0), (5.1, 1)], 1, 0),  # twice
        ([(1.1, 1), (5.1, 1)], 1, 1),  # another word
        ([(0.79, 0), (5.7, 1)], 1, 1),  # 0.01 too early, at the very end of the slack
        ([(3.0, 0)], 1, 2),
        ([], 0, 2),
    ],
)
def test_detections_are_judged_against_what_was_said(
    found: list[tuple[float, int]], accepted: int, rejected: int
) -> None:
    said = [(1.0, 1.5, 0), (5.0, 5.5, 1)]
    told = [Detection(time, index, 1.0) for time, index in found]
    assert detection.judged(told, said, 0.2) == Judged(accepted, rejected)


@pytest.fixture(scope="session")
def signs(build_onnx: Callable[..., bytes]) -> Callable[..., bytes]:
    """Of a second of 100 samples, whether their mean is below zero, or above; a quarter of full scale is sure."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")

    def build(decode: str = "classify") -> bytes:
        floats = onnx.TensorProto.FLOAT
        graph = Graph("main", (Tensor("sound", (None, LENGTH)),), (Tensor("logits", (None, 2)),))
        frontend = Frontend("sound", "sound", ({"op": "samples", "rate": RATE, "length": LENGTH},))
        return build_onnx(
            [("MatMul", ["sound", "weights"], ["logits"])],
            [("sound", floats, ["n", LENGTH])],
            [("logits", floats, ["n", 2])],
            {"weights": np.tile(np.array([[-20.0, 20.0]], np.float32) / LENGTH, (LENGTH, 1))},
            contract=Contract(
                "signs", (graph,), frontends=(frontend,), decode=Decode(decode, "logits"), labels=("low", "high")
            ),
        )

    return build


def said() -> np.ndarray:
    """Ten seconds: low about the third, high about the seventh."""
    sound = np.zeros(10 * RATE, np.int16)
    sound[250:350], sound[650:750] = -16384, 16384
    return sound


def test_windows_slide_over_a_sound(signs: Callable[..., bytes]) -> None:
    model = Model(signs(), formats.read_bytes(signs(), "signs.onnx"))
    found = list(windows.answers(model, said(), 0.5))
    assert [(begin, end) for begin, end, _ in found] == [(i / 2, i / 2 + 1) for i in range(19)]
    for begin, end, prediction in found:
        alone = model.predict(said()[int(RATE * begin) : int(RATE * end)])
        assert (prediction.label, prediction.probability) == (alone.label, alone.probability)
    with pytest.raises(Refused, match="a window of 100 time steps"):
        list(windows.answers(model, said()[:99], 0.5))


def test_the_words_of_a_recording_are_printed_with_their_times(
    signs: Callable[..., bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, sound = tmp_path / "signs.onnx", tmp_path / "long.wav"
    path.write_bytes(signs())
    with wave.open(str(sound), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(said().astype("<i2").tobytes())
    asked = ["run", str(path), str(sound), "--windows", "0.1", "--detect", "0.9", "--smooth", "1"]
    assert cli.main(asked) == 0
    # the mean over a window is 0.5 of the share within; 0.9 is exceeded from 0.11 of it on
    assert capsys.readouterr().out.splitlines() == [
        f"{sound}, 2.20 s: low  98.2%",
        f"{sound}, 3.20 s: low  100.0%",
        f"{sound}, 6.20 s: high  98.2%",
        f"{sound}, 7.20 s: high  100.0%",
    ]
    assert cli.main([*asked, "--silent", "low", "--json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(round(each["time"], 2), each["label"]) for each in told] == [(6.2, "high"), (7.2, "high")]
    assert cli.main([*asked, "--silent", "hihg"]) == 2
    assert 'did you mean "high"' in capsys.readouterr().err


def test_what_can_not_detect_is_refused(
    signs: Callable[..., bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Model(signs("values"), formats.read_bytes(signs("values"), "signs.onnx"))
    with pytest.raises(Refused, match="tells classes apart"):
        list(detection.detections(model, said(), 0.5, Detector()))
    (tmp_path / "signs.onnx").write_bytes(signs())
    assert cli.main(["run", str(tmp_path / "signs.onnx"), "long.wav", "--detect", "0.5"]) == 2
    assert "--detect without --windows" in capsys.readouterr().err
