"""The runner against the interpreters that it wraps: the same numbers, and an answer in words."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import special

import edgeproof
from edgeproof import frontend, runner
from edgeproof.contract import VERSION, Contract, Decode, Graph, Tensor
from edgeproof.errors import NewerContract, Refused

Digits = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="session")
def tensors(models: dict[str, runner.Model], digits: Digits) -> np.ndarray:
    """The first 30 evaluation samples as the graph takes them."""
    return frontend.apply(models["f32"].frontend("image"), digits[0][:30])


# What LiteRT calls the kernels.
RESOLVERS = {"xnnpack": "AUTO", "builtin": "BUILTIN_WITHOUT_DEFAULT_DELEGATES", "reference": "BUILTIN_REF"}


def interpreted(path: Path, kernels: str, tensors: np.ndarray) -> np.ndarray:
    """Outputs of the LiteRT interpreter used as its manual says, quantized and dequantized by hand."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(str(path), experimental_op_resolver_type=OpResolverType[RESOLVERS[kernels]])
    interpreter.allocate_tensors()
    ((given,), (made,)) = interpreter.get_input_details(), interpreter.get_output_details()
    rows = []
    for tensor in tensors:
        value: np.ndarray = tensor[None]
        scale, zero = given["quantization"]
        if scale:
            value = np.clip(np.round(value / scale) + zero, -128, 127).astype(np.int8)
        interpreter.set_tensor(given["index"], value)
        interpreter.invoke()
        result = interpreter.get_tensor(made["index"])
        scale, zero = made["quantization"]
        rows.append((result.astype(np.float32) - zero) * scale if scale else result)
    return np.concatenate(rows)


@pytest.mark.parametrize("kernels", RESOLVERS)
@pytest.mark.parametrize("name", ["f32", "int8"])
def test_outputs_are_the_interpreters(artifacts: dict[str, Path], tensors: np.ndarray, name: str, kernels: str) -> None:
    model = runner.load(artifacts[name], kernels=kernels)
    assert model.kernels == kernels
    ours = model.outputs({"image": tensors})["logits"]
    theirs = interpreted(artifacts[name], kernels, tensors)
    # Bit for bit where numbers are real; where they are not, one float32 operation may round differently.
    np.testing.assert_allclose(ours, theirs, rtol=0 if name == "f32" else 1e-6, atol=0 if name == "f32" else 1e-6)


def test_outputs_are_onnxruntimes(
    artifacts: dict[str, Path], models: dict[str, runner.Model], tensors: np.ndarray
) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(artifacts["onnx"], providers=["CPUExecutionProvider"])
    (theirs,) = session.run(["logits"], {"image": tensors})
    assert models["onnx"].kernels == "onnxruntime"
    np.testing.assert_allclose(models["onnx"].outputs({"image": tensors})["logits"], theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["f32", "int8", "onnx"])
def test_artifact_decides_as_its_checkpoint_does(
    exported: Path, models: dict[str, runner.Model], digits: Digits, name: str
) -> None:
    """Oracle: Keras itself, on the same samples."""
    keras = pytest.importorskip("keras")
    images, labels = digits
    tensors = frontend.apply(models[name].frontend("image"), images)
    reference = keras.models.load_model(exported / "lenet5.h5", compile=False).predict(tensors, verbose=0)
    outputs = models[name].outputs({"image": tensors})["logits"]
    assert outputs.shape == reference.shape
    if name == "int8":
        assert (outputs.argmax(1) == reference.argmax(1)).mean() > 0.97
    else:
        np.testing.assert_allclose(outputs, reference, rtol=1e-4, atol=1e-4)
    assert (outputs.argmax(1) == labels).mean() > 0.85


@pytest.mark.parametrize("name", ["f32", "int8", "onnx"])
def test_prediction_is_the_softmax_of_the_logits_in_words(
    models: dict[str, runner.Model], digits: Digits, name: str
) -> None:
    model = models[name]
    for image in digits[0][:5]:
        answer = model.predict(image)
        assert answer.outputs["logits"].shape == (10,)
        expected = special.softmax(answer.outputs["logits"].astype(float))
        assert sorted(label for label, _ in answer.ranking) == list("0123456789")
        for label, probability in answer.ranking:
            assert probability == pytest.approx(expected[int(label)], rel=1e-9)
        assert [p for _, p in answer.ranking] == sorted(expected, reverse=True)
        assert (answer.label, answer.probability) == answer.ranking[0]
        assert answer.label == str(expected.argmax())


def test_prediction_is_one_row_of_the_outputs(
    models: dict[str, runner.Model], digits: Digits, tensors: np.ndarray
) -> None:
    for name, model in models.items():
        rows = model.outputs({"image": tensors})["logits"]
        for i in range(3):
            row = model.predict(digits[0][i]).outputs["logits"]
            # Kernels sum a batch in another order than one sample: float32's noise on the largest of the outputs.
            np.testing.assert_allclose(row, rows[i], rtol=0, atol=1e-6 * np.abs(rows).max(), err_msg=name)


def test_every_way_to_give_a_sample_gives_the_same_answer(
    models: dict[str, runner.Model], exported: Path, digits: Digits, tmp_path: Path
) -> None:
    model, pixels = models["f32"], digits[0][0]
    np.save(tmp_path / "sample.npy", pixels)
    path = exported / "sample.png"
    ways = [path, str(path), pixels, pixels.tolist(), Image.fromarray(pixels), {"image": path}, tmp_path / "sample.npy"]
    ways[3] = np.array(ways[3], np.uint8)[..., None]  # with an axis for its one channel
    answers = [model.predict(way) for way in ways]
    assert answers[0].label == "0" == str(digits[1][0])
    for answer in answers[1:]:
        assert answer.ranking == answers[0].ranking
        assert np.array_equal(answer.outputs["logits"], answers[0].outputs["logits"])


def test_pillow_image_with_a_palette_is_seen_in_its_colours(models: dict[str, runner.Model], digits: Digits) -> None:
    """As an array it would be indices, and the answer one about those."""
    picture = Image.fromarray(digits[0][0]).convert("RGB").quantize(32)
    assert picture.mode == "P"
    model = models["f32"]
    assert model.predict(picture).ranking == model.predict(picture.convert("RGB")).ranking
    assert model.predict(picture).label == "0"


def test_colour_picture_is_seen_as_grey(models: dict[str, runner.Model], digits: Digits) -> None:
    model, pixels = models["f32"], digits[0][0]
    colour = model.predict(np.dstack([pixels] * 3)).outputs["logits"]
    np.testing.assert_allclose(colour, model.predict(pixels).outputs["logits"], rtol=1e-4, atol=1e-4)


def test_tensor_in_the_graphs_own_type_is_taken_as_it_is(
    models: dict[str, runner.Model], foreign: Path, tensors: np.ndarray
) -> None:
    model = models["int8"]
    (port,) = model.session.inputs
    encoded = port.encode(tensors[:1])
    assert np.array_equal(model.infer({"image": encoded})["logits"], model.infer({"image": tensors[:1]})["logits"])
    # Without a contract `predict` takes tensors: with the batch axis or without.
    plain = runner.load(foreign)
    one, other = plain.predict(tensors[0]), plain.predict(tensors[:1])
    assert np.array_equal(one.outputs["logits"], other.outputs["logits"])


def test_free_batch_axis_is_used_and_changes_nothing(models: dict[str, runner.Model], tensors: np.ndarray) -> None:
    model = models["onnx"]
    together, singly = (model.outputs({"image": tensors}, batch=batch)["logits"] for batch in (7, 1))
    assert together.shape == (30, 10)
    np.testing.assert_allclose(together, singly, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("sample", "rule"),
    [
        pytest.param(np.zeros((20, 64), np.uint8), "without distortion", id="wide"),
        pytest.param(np.zeros((1, 1), np.uint8), "without distortion", id="tiny"),
        pytest.param(np.zeros((28, 28), np.float32), "unsigned bytes", id="floats"),
        pytest.param(np.zeros((28, 28, 4), np.uint8), "grey", id="four channels"),
        pytest.param(np.zeros((1, 28, 28), np.uint8), "grey", id="channels first"),
        pytest.param(np.zeros((28, 28), object), "unsigned bytes", id="objects"),
        pytest.param("no such file.png", "must exist", id="no file"),
        pytest.param(Image.new("CMYK", (28, 28)), "8-bit grey or RGB", id="CMYK"),
        pytest.param(Image.new("I;16", (28, 28)), "8-bit grey or RGB", id="16 bits"),
        pytest.param({}, "every input", id="nothing"),
        pytest.param({"picture": np.zeros((28, 28), np.uint8)}, "every input", id="another name"),
    ],
)
def test_sample_that_is_none_is_refused(models: dict[str, runner.Model], sample: Any, rule: str) -> None:
    with pytest.raises(Refused, match=rule):
        models["f32"].predict(sample)


def test_file_without_a_contract_runs_on_arrays_and_gives_numbers(
    foreign: Path, models: dict[str, runner.Model], tensors: np.ndarray, exported: Path, tmp_path: Path
) -> None:
    model = runner.load(foreign)
    assert model.contract is None
    np.save(tmp_path / "tensor.npy", tensors[0])
    answer = model.predict(tmp_path / "tensor.npy")
    assert (answer.label, answer.ranking) == ("", ())
    assert math.isnan(answer.probability)
    expected = models["f32"].infer({"image": tensors[:1]})["logits"][0]
    assert np.array_equal(answer.outputs["logits"], expected)
    with pytest.raises(Refused, match="does not say how"):
        model.predict(exported / "sample.png")
    with pytest.raises(Refused, match="takes an array of shape"):
        model.predict(np.zeros((27, 28, 1), np.float32))


def test_file_with_a_contract_of_a_newer_version_is_refused(
    with_contract: Callable[..., bytes], models: dict[str, runner.Model], tmp_path: Path
) -> None:
    contract = models["f32"].contract
    assert contract
    path = tmp_path / "newer.tflite"
    path.write_bytes(with_contract(dataclasses.replace(contract, version=VERSION + 1).to_json()))
    with pytest.raises(NewerContract, match=f"version {VERSION + 1} in .*newer.tflite"):
        runner.load(path)


def decoding(models: dict[str, runner.Model], **fields: Any) -> str:
    contract = models["f32"].contract
    assert contract
    return dataclasses.replace(contract, **fields).to_json()


def test_values_are_given_as_they_are(
    with_contract: Callable[..., bytes], models: dict[str, runner.Model], exported: Path, tmp_path: Path
) -> None:
    path = tmp_path / "values.tflite"
    path.write_bytes(with_contract(decoding(models, decode=Decode("values", "logits"))))
    answer = runner.load(path).predict(exported / "sample.png")
    assert (answer.label, answer.ranking) == ("", ())
    assert np.array_equal(answer.outputs["logits"], models["f32"].predict(exported / "sample.png").outputs["logits"])


@pytest.mark.parametrize("labels", [(), ("a", "b")])
def test_classes_without_a_label_each_have_their_number(
    with_contract: Callable[..., bytes],
    models: dict[str, runner.Model],
    exported: Path,
    tmp_path: Path,
    labels: tuple[str, ...],
) -> None:
    path = tmp_path / "unlabelled.tflite"
    path.write_bytes(with_contract(decoding(models, labels=labels)))
    answer = runner.load(path).predict(exported / "sample.png")
    assert answer.ranking == models["f32"].predict(exported / "sample.png").ranking


def test_contract_that_decodes_an_output_the_graph_lacks_is_refused(
    with_contract: Callable[..., bytes], models: dict[str, runner.Model], exported: Path, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.tflite"
    path.write_bytes(with_contract(decoding(models, decode=Decode("classify", "classes"))))
    with pytest.raises(Refused, match='"classes"; the graph has logits'):
        runner.load(path).predict(exported / "sample.png")


TOKENS = Contract(
    name="tokens",
    graphs=(Graph("main", (Tensor("tokens", (1, 3), "int32"),), (Tensor("vectors", (1, 3, 2)),)),),
)


def test_tokens_are_not_rounded_to_float32(build_onnx: Callable[..., bytes], tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    int32 = onnx.TensorProto.INT32
    path = tmp_path / "echo.onnx"
    path.write_bytes(build_onnx([("Identity", ["x"], ["y"])], [("x", int32, [1, 2])], [("y", int32, [1, 2])]))
    exact = [2**24 + 1, 2**31 - 1]  # the first whole number that float32 lacks, and the last of int32
    for dtype in (np.int64, np.float64):
        assert runner.load(path).predict(np.array(exact, dtype)).outputs["y"].tolist() == exact
    for wrong, rule in (
        ([0.5, 1], "whole numbers of type int32"),
        ([2**31, 0], "whole numbers of type int32"),
        ([math.nan, 0], "finite numbers"),
    ):
        with pytest.raises(Refused, match=rule):
            runner.load(path).predict(np.array(wrong))


def test_token_outside_the_table_is_refused(embedding: Path) -> None:
    model = runner.load(embedding)
    assert model.predict(np.array([4, 0, 1])).outputs["vectors"].tolist() == [[8, 9], [0, 1], [2, 3]]
    with pytest.raises(Refused, match="must be able to run"):
        model.predict(np.array([4, 0, 5]))


def test_graph_with_two_inputs_takes_a_mapping(build_onnx: Callable[..., bytes], tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    float32 = onnx.TensorProto.FLOAT
    path = tmp_path / "difference.onnx"
    ends = [(name, float32, ["batch", 2]) for name in "abc"]
    path.write_bytes(build_onnx([("Sub", ["a", "b"], ["c"])], ends[:2], ends[2:]))
    model = runner.load(path)
    answer = model.predict({"b": np.array([1.0, 2.0]), "a": np.array([5.0, 5.0])})
    assert answer.outputs["c"].tolist() == [4, 3]
    with pytest.raises(Refused, match="nothing for b"):
        model.predict(np.zeros(2))
    many = model.outputs({"a": np.ones((5, 2), np.float32), "b": np.zeros((5, 2), np.float32)}, batch=2)
    assert many["c"].tolist() == [[1, 1]] * 5


@pytest.mark.parametrize("name", ["ad01_int8", "pretrainedResnet_quant", "vww_96_float", "str_ww_ref_model"])
def test_files_of_other_makers_run_as_their_interpreter_runs_them(shared: Path, name: str) -> None:
    from ai_edge_litert.interpreter import Interpreter

    path = shared / "checkpoints" / "mlperf-tiny" / f"{name}.tflite"
    if not path.is_file():
        pytest.skip(f"no {path}")
    model = runner.load(path)
    assert model.contract is None
    ((port,), (made,)) = model.session.inputs, model.session.outputs
    noise = np.random.default_rng(0).random([side or 1 for side in port.shape], np.float32)
    feed = port.encode(noise) if port.scale else noise
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], feed)
    interpreter.invoke()
    theirs = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    scale, zero = interpreter.get_output_details()[0]["quantization"]
    expected = (theirs.astype(np.float32) - zero) * scale if scale else theirs
    np.testing.assert_allclose(model.predict(feed).outputs[made.name], expected[0], rtol=1e-6, atol=1e-7)


# Imports of what a device lacks fail here as they would there.
ON_A_DEVICE = """
import importlib.abc, json, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"tensorflow", "keras", "tf_keras", "h5py", "scipy", "sklearn", "flatbuffers",
                                  "onnx", "train", "models", "export"}:
            raise ImportError(f"a device has no {name}")

sys.meta_path.insert(0, Missing())
files, picture, samples = sys.argv[1:4], sys.argv[4], sys.argv[5]
import edgeproof
from edgeproof.cli import main
print(json.dumps([edgeproof.load(file).predict(picture).ranking for file in files]))
for file in files:
    for command in (["inspect", file], ["run", file, picture], ["eval", file, samples], ["bench", file, "--runs", "5"]):
        assert main(command) == 0, command
"""


def test_runner_needs_nothing_that_a_device_lacks(
    python: Callable[..., Any],
    artifacts: dict[str, Path],
    models: dict[str, runner.Model],
    exported: Path,
) -> None:
    done = python("-c", ON_A_DEVICE, *artifacts.values(), exported / "sample.png", exported / "samples.npz")
    assert done.status == 0, done
    rankings = json.loads(done.out.splitlines()[0])
    for found, model in zip(rankings, models.values(), strict=True):
        want = model.predict(exported / "sample.png").ranking
        assert [label for label, _ in found] == [label for label, _ in want]
        assert [p for _, p in found] == pytest.approx([p for _, p in want], rel=1e-5)


def test_package_offers_its_three_names_and_no_others() -> None:
    assert edgeproof.load is runner.load
    assert (edgeproof.Model, edgeproof.Prediction) == (runner.Model, runner.Prediction)
    with pytest.raises(AttributeError, match="lod"):
        edgeproof.lod  # noqa: B018


def test_import_costs_no_numpy(python: Callable[..., Any]) -> None:
    done = python("-c", "import json, sys, edgeproof; print(json.dumps(list(sys.modules)))")
    assert done.status == 0, done
    loaded = {name.split(".")[0] for name in json.loads(done.out)}
    assert not loaded & {"numpy", "PIL", "ai_edge_litert", "onnxruntime", "tensorflow"}
