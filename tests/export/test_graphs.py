"""Parts of a checkpoint: cut out of the model, exported beside it, judged by the whole, held to their claims."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from edgeproof.contract import Contract, Decode, Frontend, Graph, Tensor
from edgeproof.errors import Refused
from edgeproof.samples import Samples
from export import formats, pipeline
from export.checkpoint import Opening
from export.checkpoint.graphs import part
from models.layers import TiedDense
from train import checkpoint

ROOT = Path(__file__).resolve().parents[2]


def network() -> keras.Model:
    """A tied autoencoder of 6 numbers: a layer called twice, a code in the middle, two outputs."""
    keras.utils.set_random_seed(0)
    x = keras.Input((6,), name="x")
    both = TiedDense(3, name="both")
    code = keras.layers.Activation("tanh", name="code")(both(x))
    back = keras.layers.Identity(name="back")(both(code, back=True))
    gap = keras.layers.Dense(1, name="gap")(keras.layers.Subtract(name="off")([x, back]))
    return keras.Model(x, [back, gap])


def samples(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 6)).astype(np.float32)


def test_a_part_computes_what_the_whole_does_between_its_ends() -> None:
    model, x = network(), samples(9, 0)
    encoder, decoder = part(model, ["x"], ["code"]), part(model, ["code"], ["back"])
    back, gap = (np.asarray(y) for y in model(x))
    code = np.asarray(encoder(x))
    np.testing.assert_allclose(code, np.tanh(np.asarray(model.get_layer("both")(x))), rtol=1e-5)
    np.testing.assert_allclose(decoder(code), back, rtol=1e-6)
    np.testing.assert_allclose(part(model, ["x"], ["gap"])([x]), gap, rtol=1e-6)
    np.testing.assert_allclose(part(model, ["x", "back"], ["gap"])([x, 0 * x]), model.get_layer("gap")(x), rtol=1e-6)
    assert [t.name for t in decoder.inputs] == ["code"]
    assert decoder.output_names == ["back"]


def test_ends_that_do_not_exist_or_do_not_follow_are_refused() -> None:
    with pytest.raises(Refused, match="must be inputs of the model or layers") as caught:
        part(network(), ["x"], ["kode"])
    assert "code" in caught.value.fix
    with pytest.raises(Refused, match="must follow from its inputs") as caught:
        part(network(), ["code"], ["gap"])
    assert "gap from code" in caught.value.received


def test_an_opening_with_ends_survives_its_text() -> None:
    opening = Opening(Path("m.h5"), ends=(("x",), ("code", "gap")))
    assert Opening.of(str(opening)) == opening


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tied")
    x, code, back, gap = (
        Tensor(n, (None, w), layout="NC") for n, w in (("x", 6), ("code", 3), ("back", 6), ("gap", 1))
    )
    graphs = (Graph("main", (x,), (back, gap)), Graph("encoder", (x,), (code,)), Graph("decoder", (code,), (back,)))
    contract = Contract("tied", graphs, "Tied", (Frontend("x"),), Decode("reconstruct", "back"))
    checkpoint.write(folder / "tied.h5", network(), contract)
    Samples({"x": samples(64, 1)}, {"x": samples(80, 2)}).write(folder / "samples.npz")
    return folder


@pytest.fixture(scope="module")
def outcomes(saved: Path) -> list[pipeline.Outcome]:
    pairs = formats.parse(["tflite:f32", "tflite:int8", "onnx:f32"])
    return pipeline.run_all(pipeline.Request(saved, pairs, explicit=True))


def test_every_graph_is_made_and_judged(outcomes: list[pipeline.Outcome]) -> None:
    assert [outcome.part for outcome in outcomes] == ["", "encoder", "decoder"]
    for outcome in outcomes:
        assert [r.status for r in outcome.results] == ["verified"] * 3, [r.reason for r in outcome.results]
        stem = f"tied.{outcome.part}".rstrip(".")
        assert [r.file for r in outcome.results] == [f"{stem}.f32.tflite", f"{stem}.int8.tflite", f"{stem}.f32.onnx"]
        assert outcome.older == ()
    model, x = network(), samples(64, 1)
    np.testing.assert_allclose(outcomes[1].reference["code"], part(model, ["x"], ["code"])([x]), rtol=1e-5, atol=1e-6)
    # What the decoder is judged on is what the encoder gives of the same samples.
    np.testing.assert_allclose(outcomes[2].reference["back"], outcomes[0].reference["back"], rtol=1e-5, atol=1e-6)


def test_a_reconstruction_is_scored_without_labels(outcomes: list[pipeline.Outcome]) -> None:
    main, encoder, decoder = outcomes
    score = main.contract.score
    assert score is not None
    x = samples(64, 1).astype(np.float64)
    error = np.square(x - main.reference["back"]).sum() / np.square(x - x.mean(axis=0)).sum()
    np.testing.assert_allclose(score.value, 1 - error)
    assert score.metric == "explained variance"
    assert all(v.drop is not None and v.agreement is None for r in main.results for v in r.verdicts)
    assert encoder.contract.score is None
    assert decoder.contract.score is None


@pytest.mark.parametrize(
    "file",
    [
        pytest.param("tied.int8.tflite", marks=pytest.mark.all),
        pytest.param("tied.encoder.int8.tflite", marks=pytest.mark.all),
        "tied.decoder.f32.onnx",
    ],
)
def test_a_part_is_held_to_what_it_says_of_itself(outcomes: list[pipeline.Outcome], saved: Path, file: str) -> None:
    command = [sys.executable, "-m", "export", "verify", outcomes[0].out / file, "--against", saved / "tied.h5"]
    done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.all
def test_one_graph_can_be_asked_for_and_an_unknown_one_is_refused(saved: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "export", str(saved), "--to", "onnx:f32", "--out", str(tmp_path / "o"), "--graph"]
    done = subprocess.run([*command, "encoder"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert sorted(f.name for f in (tmp_path / "o").iterdir()) == [
        "report.encoder.html", "report.encoder.json", "tied.encoder.f32.onnx",
    ]  # fmt: skip
    assert json.loads((tmp_path / "o" / "report.encoder.json").read_text())["graph"] == "encoder"
    page = (tmp_path / "o" / "report.encoder.html").read_text()
    assert "<b>encoder</b>" in page
    assert 'href="report.decoder.html"' in page
    done = subprocess.run([*command, "encode"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "encoder" in done.stderr
