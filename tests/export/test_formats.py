"""Every format in every precision: names, batches, precision, contract, and the same bytes whenever it is made."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof.contract import Artifact, Contract, Decode, Frontend, Graph, Provenance, Score, Tensor, Tolerance
from edgeproof.errors import Refused
from export import formats, pipeline
from export.quantize.plan import Plan
from export.worker import Worker

PAIRS = [(name, precision) for name in formats.names() for precision in formats.load(name).precisions]
# What each format promises: the sizes of batch that it takes.
BATCHES = {"graphdef": (1, 7), "onnx": (1, 7), "saved_model": (1, 7), "tflite": (1,), "tflm": (1,)}
LARGEST = {"f32": 1e-5, "f16": 1e-2, "int8-dynamic": 0.1, "int8": 0.1, "int16x8": 0.1}  # relative to the largest


def artifact(made: pipeline.Outcome, kind: str, precision: str) -> Path:
    result = next(r for r in made.results if (r.format, r.asked) == (kind, precision))
    assert result.file, result.reason
    return made.out / result.file


# --- which there are ---


def test_every_module_of_the_folder_is_a_format_and_is_tested_here() -> None:
    folder = Path(formats.__file__).parent
    modules = {path.stem for path in folder.iterdir() if path.suffix == ".py" and path.stem != "__init__"}
    assert set(formats.names()) == modules == set(BATCHES)


def test_all_is_what_no_wish_means() -> None:
    assert formats.parse([]) == PAIRS
    assert formats.parse(formats.names()) == PAIRS


def test_wishes_keep_their_order_and_repeat_nothing() -> None:
    assert formats.parse(["tflm", "onnx:int8", "tflm:int8", "onnx"]) == [
        ("tflm", "int8"), ("onnx", "int8"), ("onnx", "f32"), ("onnx", "f16"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wish", "nearest"),
    [
        ("tflight", "tflite"),
        ("ONNX", "known: graphdef, onnx"),
        ("onnx:int16x8", "int8"),
        ("tflite:int-8", "int8"),
        ("tflite:", "known: f16"),
        ("", "known: graphdef"),
        ("../formats/onnx", "onnx"),
        ("__init__", "known: graphdef"),
    ],
)
def test_an_unknown_wish_names_the_nearest(wish: str, nearest: str) -> None:
    with pytest.raises(Refused) as refused:
        formats.parse(["onnx:f32", wish])
    assert refused.value.received == wish
    assert nearest in refused.value.fix


# --- what they are ---


@pytest.mark.parametrize(("kind", "precision"), PAIRS)
def test_each_is_verified_and_is_what_it_was_asked_to_be(made: pipeline.Outcome, kind: str, precision: str) -> None:
    result = next(r for r in made.results if (r.format, r.asked) == (kind, precision))
    assert (result.status, result.reason) == ("verified", "")
    assert result.precision == precision
    assert result.file == f"small.{precision}{formats.load(kind).suffix}"
    assert [v.runtime for v in result.verdicts] == list(formats.load(kind).runtimes)
    assert all(v.n == 120 and v.passed for v in result.verdicts)
    for runtime in formats.load(kind).runtimes:
        found = made.outputs[(result.file, runtime)]["logits"]
        largest = np.abs(found - made.reference["logits"]).max() / np.abs(made.reference["logits"]).max()
        # A quantized file whose figures are those of the float one was not quantized.
        assert largest <= LARGEST[precision]
        assert (largest > 1e-5) == (precision != "f32")


@pytest.mark.parametrize(("kind", "precision"), PAIRS)
def test_each_takes_the_batches_it_promises_by_name(
    made: pipeline.Outcome, worker: Worker, tmp_path: Path, kind: str, precision: str
) -> None:
    images = made.samples.evaluation["image"][:21, ..., None].astype(np.float32) / np.float32(255)
    np.savez(tmp_path / "in.npz", image=images)
    for batch in BATCHES[kind]:
        worker.call(
            "children:outputs", format=kind, path=str(artifact(made, kind, precision)), batch=batch,
            tensors=str(tmp_path / "in.npz"), out=str(tmp_path / "out.npz"),
        )  # fmt: skip
        found = dict(np.load(tmp_path / "out.npz"))
        assert list(found) == ["logits"]
        runtime = formats.load(kind).runtimes[0]
        before = made.outputs[(artifact(made, kind, precision).name, runtime)]["logits"][:21]
        # The same file, in other batches: kernels may sum in another order, and a step of int8 is 0.5% of the range.
        np.testing.assert_allclose(found["logits"], before, atol=1e-5 if precision == "f32" else 0.1)


def test_a_batch_that_tflite_does_not_promise_is_refused_in_words(made: pipeline.Outcome) -> None:
    from edgeproof.runner import load

    with pytest.raises(Refused, match=r"\(1, 8, 8, 1\)"):
        load(artifact(made, "tflite", "f32")).infer({"image": np.zeros((7, 8, 8, 1), np.float32)})


def test_the_ends_of_the_frozen_graph_have_the_models_names(made: pipeline.Outcome, worker: Worker) -> None:
    found = worker.call("children:graphdef", path=str(artifact(made, "graphdef", "f32")))
    assert found["inputs"] == {"image": [-1, 8, 8, 1]}
    assert "logits" in found["nodes"]
    # Frozen: readers of .pb files have no variables, and most follow no calls.
    assert not found["functions"]
    assert not {op for op in found["operators"] if "Variable" in op or "Call" in op or "VarHandle" in op}


def test_the_signature_of_the_saved_model_has_the_models_names(made: pipeline.Outcome, worker: Worker) -> None:
    found = worker.call("children:saved_model", path=str(artifact(made, "saved_model", "f32")))
    assert found == {
        "signatures": ["serving_default"],
        "inputs": {"image": [None, 8, 8, 1]},
        "outputs": {"logits": [None, 3]},
    }


@pytest.mark.parametrize("precision", formats.load("onnx").precisions)
def test_onnx_files_hold_to_the_standard(made: pipeline.Outcome, precision: str) -> None:
    import onnx

    from export.formats.onnx import OPSET

    model = onnx.load(artifact(made, "onnx", precision))
    onnx.checker.check_model(model, full_check=True)
    assert {"": OPSET}.items() <= {entry.domain: entry.version for entry in model.opset_import}.items()
    assert {node.domain for node in model.graph.node} <= {"", "ai.onnx"}
    for ends, name in ((model.graph.input, "image"), (model.graph.output, "logits")):
        assert [end.name for end in ends] == [name]
        assert ends[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
        assert ends[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    assert model.producer_name == "edgeproof"
    stored = {onnx.TensorProto.DataType.Name(t.data_type): 0 for t in model.graph.initializer}
    for constant in model.graph.initializer:
        kind = onnx.TensorProto.DataType.Name(constant.data_type)
        stored[kind] += int(np.prod(constant.dims))
    weights = {"f32": "FLOAT", "f16": "FLOAT16", "int8": "INT8"}[precision]
    assert max(stored, key=lambda kind: stored[kind]) == weights
    assert stored[weights] >= 3 * 3 * 6 + 54 * 40 + 40 * 3
    operators = {node.op_type for node in model.graph.node}
    assert ({"QuantizeLinear", "DequantizeLinear"} <= operators) == (precision == "int8")


@pytest.mark.parametrize("precision", formats.load("tflite").precisions)
def test_tflite_files_hold_builtin_operators_only_and_the_types_of_their_precision(
    made: pipeline.Outcome, schema: Any, precision: str
) -> None:
    from ai_edge_litert.interpreter import Interpreter

    data = artifact(made, "tflite", precision).read_bytes()
    model = schema.ModelT.InitFromPackedBuf(bytearray(data), 0)
    for code in model.operatorCodes:
        assert max(code.builtinCode, code.deprecatedBuiltinCode) != schema.BuiltinOperator.CUSTOM
        assert code.customCode is None
    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    assert interpreter.get_signature_list() == {"serving_default": {"inputs": ["image"], "outputs": ["logits"]}}
    ends = {"int8": np.int8, "int16x8": np.int16}.get(precision, np.float32)
    (given,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert (given["dtype"], result["dtype"]) == (ends, ends)
    assert given["shape"].tolist() == [1, 8, 8, 1]
    # The largest weights, those of the layer of 54x40, are stored in the type that the name says.
    kinds = schema.TensorType
    (graph,) = model.subgraphs
    stored = {t.type for t in graph.tensors if sorted(t.shape) == [40, 54] and model.buffers[t.buffer].data is not None}
    assert stored == {{"f32": kinds.FLOAT32, "f16": kinds.FLOAT16}.get(precision, kinds.INT8)}


def test_the_c_array_is_the_int8_flatbuffer_without_metadata(made: pipeline.Outcome, schema: Any) -> None:
    from export.formats.tflm import payload

    alone = schema.ModelT.InitFromPackedBuf(bytearray(payload(artifact(made, "tflm", "int8"))), 0)
    full = schema.ModelT.InitFromPackedBuf(bytearray(artifact(made, "tflite", "int8").read_bytes()), 0)
    assert "edgeproof.contract" not in {entry.name.decode() for entry in alone.metadata or []}
    assert len(alone.subgraphs[0].operators) == len(full.subgraphs[0].operators)
    for ours, theirs in zip(alone.subgraphs[0].tensors, full.subgraphs[0].tensors, strict=True):
        assert (ours.name, ours.type, list(ours.shape)) == (theirs.name, theirs.type, list(theirs.shape))
        assert np.array_equal(alone.buffers[ours.buffer].data, full.buffers[theirs.buffer].data)


# --- the contract inside ---

RICH = Contract(
    name="rich",
    title='A "title" with */ and <b> and \\ and ??/ and ü',
    graphs=(Graph("main", (Tensor("image", (None, 8, 8, 1)),), (Tensor("logits", (None, 3), meaning="*/ #error"),)),),
    frontends=(Frontend("image", "image", ({"op": "scale", "factor": 0.1, "offset": -1.5},)),),
    decode=Decode("classify", "logits"),
    labels=("new\nline, 'quotes\" and \\", "*/ // ??/ /* %s", "日本 \u2028 \x7f"),
    score=Score("accuracy", 1 / 3, (0.1, 0.9), 30, 'data "set".npz', "test\\"),
    tolerances={"int8": Tolerance(relative=0.1, drop=0.25), "f32": Tolerance()},
    refused={"nothing": "a reason\nin two lines"},
    provenance=Provenance('re"cipe\\', {"a": [1, None, {"b": 1e-300}]}, 3, "00", "ff", ("12", "34"), {"keras": "3"}),
)


@pytest.mark.parametrize(("kind", "precision"), PAIRS)
def test_the_contract_that_is_put_in_comes_out(
    small: Any, worker: Worker, tmp_path: Path, kind: str, precision: str
) -> None:
    images = np.load(small.folder / "samples.npz")["calibration_image"]
    np.savez(tmp_path / "calibration.npz", image=images[..., None].astype(np.float32) / 255)
    path = tmp_path / f"artifact{formats.load(kind).suffix}"
    told = worker.call(
        "export.tasks:convert", checkpoint=str(small.checkpoint), calibration=str(tmp_path / "calibration.npz"),
        format=kind, precision=precision, path=str(path), contract=RICH.to_json(),
        plan=Plan().to_dict(),
    )  # fmt: skip
    for text in (told["contract"], worker.call("export.tasks:look", format=kind, path=str(path))["contract"]):
        found = Contract.from_json(text)
        assert found.artifact is not None
        assert (found.artifact.format, found.artifact.precision, found.artifact.graph) == (kind, precision, "main")
        assert found.artifact.quantization["asked"] == precision
        assert dataclasses.replace(found, artifact=None) == RICH


@pytest.mark.parametrize(("kind", "precision"), PAIRS)
def test_each_says_where_it_comes_from(
    made: pipeline.Outcome, small: Any, worker: Worker, kind: str, precision: str
) -> None:
    told = worker.call("export.tasks:look", format=kind, path=str(artifact(made, kind, precision)))
    found = Contract.from_json(told["contract"])
    origin = found.provenance
    assert origin.checkpoint_sha256 == hashlib.sha256(small.checkpoint.read_bytes()).hexdigest()
    assert len(origin.calibration) == 40
    assert {"tensorflow", "keras"} <= set(origin.versions)
    assert found.score is not None
    assert (found.score.value, found.score.n, found.score.data) == (1.0, 120, "stripes")
    quantization = (found.artifact or Artifact("", "", "")).quantization
    assert ("samples" in quantization) == (precision in ("int8", "int16x8"))
    if "samples" in quantization:
        assert quantization["samples"] == 40


# --- the same bytes ---


def tree(path: Path) -> dict[str, bytes]:
    files = sorted(f for f in path.rglob("*") if f.is_file()) if path.is_dir() else [path]
    return {str(f.relative_to(path.parent)): f.read_bytes() for f in files}


@pytest.mark.all  # a fresh process is the harder case, and in the default tier
def test_made_again_elsewhere_and_in_reverse_they_are_byte_identical(
    made: pipeline.Outcome, small: Any, export: Callable[..., pipeline.Outcome], tmp_path: Path
) -> None:
    # In a folder of another name: nothing of the path may get in. The child has converted much else before.
    shutil.copytree(small.folder, tmp_path / "other", ignore=shutil.ignore_patterns("export"))
    backwards = [f"{kind}:{precision}" for kind, precision in reversed(PAIRS)]
    again = export(tmp_path / "other" / "small.h5", *backwards, out=tmp_path / "out")
    assert [result.status for result in again.results] == ["verified"] * len(PAIRS)
    compared = 0
    for kind, precision in PAIRS:
        if kind != "saved_model":  # TensorFlow numbers and stamps what is in it
            assert tree(artifact(again, kind, precision)) == tree(artifact(made, kind, precision)), (kind, precision)
            compared += 1
    assert compared == len(PAIRS) - 1


def test_made_by_a_fresh_process_they_are_byte_identical(made: pipeline.Outcome, small: Any, tmp_path: Path) -> None:
    images = made.samples.calibration["image"][..., None].astype(np.float32) * np.float32(1 / 255.0)
    np.savez(tmp_path / "calibration.npz", image=images)
    with Worker() as fresh:
        # int8 first, so that it has no float conversion before it as it has among all.
        for kind, precision in (("onnx", "int8"), ("tflite", "int8"), ("graphdef", "f32")):
            before = artifact(made, kind, precision)
            told = fresh.call("export.tasks:look", format=kind, path=str(before))
            whole = Contract.from_json(told["contract"])
            assert whole.artifact
            stated = dataclasses.replace(whole, artifact=None)
            path = tmp_path / f"artifact{formats.load(kind).suffix}"
            fresh.call(
                "export.tasks:convert", checkpoint=str(small.checkpoint), path=str(path), contract=stated.to_json(),
                plan=Plan().to_dict(),
                calibration=str(tmp_path / "calibration.npz"), format=kind, precision=precision,
            )  # fmt: skip
            # What was found of it is put in once it has been compared.
            fresh.call("export.tasks:attest", format=kind, path=str(path), proof=whole.artifact.proof)
            assert path.read_bytes() == before.read_bytes(), (kind, precision)


# --- what can't be made ---


def test_what_the_contract_refuses_is_not_made_and_says_why(
    small: Any, export: Callable[..., pipeline.Outcome], tmp_path: Path
) -> None:
    reasons = {"onnx": "for a reason", "tflite:f16": "for another"}
    copy = small.copy(tmp_path / "small", lambda contract: dataclasses.replace(contract, refused=reasons))
    outcome = export(copy.checkpoint, "onnx", "tflite", out=tmp_path / "out")
    told = {(r.format, r.asked): (r.status, r.reason) for r in outcome.results}
    assert {pair for pair, (status, _) in told.items() if status == "not made"} == {
        ("onnx", "f32"), ("onnx", "f16"), ("onnx", "int8"), ("tflite", "f16"),
    }  # fmt: skip
    assert told["onnx", "int8"][1] == "for a reason"
    assert told["tflite", "f16"][1] == "for another"
    assert outcome.passed, "what can't be is no failure, where something was verified"
    with pytest.raises(Refused, match="for a reason"):
        export(copy.checkpoint, "tflite:f32", "onnx:f16", out=tmp_path / "out")
    alone = export(copy.checkpoint, "onnx", out=tmp_path / "alone")
    assert not alone.passed, "nothing was verified"


def test_a_precision_that_the_bytes_do_not_have_is_not_given_its_name(
    worker: Worker, export: Callable[..., pipeline.Outcome], tmp_path: Path
) -> None:
    path = tmp_path / "waves.h5"
    worker.call("children:save_waves", path=str(path))
    rng = np.random.default_rng(0)
    samples = {f"{split}_x": rng.normal(size=(30, 12, 8)).astype(np.float32) for split in ("evaluation", "calibration")}
    np.savez(tmp_path / "samples.npz", **samples)
    outcome = export(path, "tflite", out=tmp_path / "out")
    told = {r.asked: r for r in outcome.results}
    assert told["f32"].status == "verified"
    assert told["int8"].precision == "mixed"
    assert "its bytes are mixed (of another precision: DEQUANTIZE, DIV, QUANTIZE)" in told["int8"].reason
    assert not outcome.passed
    assert told["int8-dynamic"].status == "not made"  # it has no weights
    for result in outcome.results:
        if result.precision != result.asked:
            assert result.status in (("not made",) if result.asked == "int8-dynamic" else ("wanting", "crashed"))
            assert not (tmp_path / "out" / f"waves.{result.asked}.tflite").exists()
    files = [r.file for r in outcome.results if r.file]
    assert len(set(files)) == len(files), "one artifact took another's place"
    assert sorted(f.name for f in (tmp_path / "out").iterdir()) == sorted(files)


def test_contracts_are_stored_as_canonical_json(made: pipeline.Outcome) -> None:
    text = artifact(made, "saved_model", "f32").joinpath("assets", "edgeproof.contract.json").read_text()
    assert json.loads(text)["name"] == "small"
