"""Every layer in every format: the table is complete, the page is the table's, and what was repaired stays so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export import arrays, formats
from export.conformance import limits, page, runner
from export.conformance.runner import Cell, Row
from export.tasks import NOTHING_SMALLER
from export.verdict import Check, Result, Verdict
from export.worker import Worker

ROOT = Path(__file__).resolve().parents[3]
# A case each of what stock converters get wrong, and the formats in which they do.
REPAIRED = {
    "activations/celu": "tflite:f32 onnx:f32",
    "activations/elu": "tflite:f32",
    "activations/gelu": "onnx:f32",
    "activations/log_sigmoid": "tflite:int8",
    "AdaptiveAveragePooling3D": "tflite:f32 onnx:f32",
    "Attention/causal": "tflite:int8 onnx:int8",
    "CategoryEncoding/multi hot": "saved_model tflite:f32",
    "CategoryEncoding/one hot": "onnx:int8",
    "Conv1D/groups 2": "graphdef onnx:f32",
    "Conv2D/groups 2": "graphdef onnx:f32",
    "Conv3D/same, stride 2": "tflite:int8",
    "Discretization": "onnx:f32",
    "LayerNormalization": "tflite:f32",
    "MaxPooling3D": "tflite:f32",
    "MelSpectrogram": "onnx:f32",
    "MultiHeadAttention/causal": "tflite:int8",
    "UnitNormalization": "tflite:int8",
    "Normalization": "onnx:f32",
    "Resizing/bicubic": "tflite:f32 onnx:f32",
    "Softmax/axes 1 and 2": "tflite:int8",
    "LSTM": "graphdef tflite:f32",
    "GRU/sequences": "tflite:f32",
}
LOOPS = ("LSTM/100 steps", "GRU/100 steps", "SimpleRNN", "Bidirectional/GRU", "LSTM/stacked")


def row_of(name: str, to: str, worker: Worker) -> Row:
    return runner.one(name, name, formats.parse(to.split()), worker, worker)


def test_every_layer_class_has_a_case_or_a_reason(worker: Worker):
    found = runner.listing(worker)
    assert found["unaccounted"] == []
    assert {"Conv2D", "LSTM", "MultiHeadAttention", "StringLookup"} <= found["classes"].keys()
    assert not [name for name, why in found["reasons"].items() if not why]


def test_the_page_has_a_row_for_every_case_and_no_empty_or_wrong_cell(worker: Worker):
    text = (ROOT / "docs" / "layers.md").read_text()
    body = text[text.index("| layer |") : text.index("## Notes")].strip().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in body]
    assert [row[0] for row in rows[2:]] == list(runner.listing(worker)["cases"])
    assert rows[0][1:] == [f"{kind} {precision}" for kind, precision in formats.parse([])]
    assert not [row for row in rows for cell in row if not cell or "WRONG" in cell]
    assert {len(row) for row in rows} == {len(rows[0])}


@pytest.mark.parametrize("name", REPAIRED)
def test_what_converters_get_wrong_is_repaired(name: str, worker: Worker):
    row = row_of(name, REPAIRED[name], worker)
    assert [(cell.format, cell.precision, cell.state) for cell in row.cells if cell.state != "verified"] == []


@pytest.mark.parametrize("name", LOOPS)
def test_whole_sequences_in_int8_have_no_float_in_the_cell_and_are_small(name: str, worker: Worker):
    row = row_of(name, "tflite:int8", worker)
    assert [cell.state for cell in row.cells] == ["verified"]
    assert row.cells[0].bytes <= 1.5 * row.parameters + 32 * 1024
    if name == "LSTM/100 steps":  # 0.031 with a cell state of 8 bits
        assert row.cells[0].error is not None
        assert row.cells[0].error < 0.025


def test_a_loop_in_an_onnx_graph_keeps_its_floats_and_has_small_weights(worker: Worker):
    cell = row_of("GRU", "onnx:int8", worker).cells[0]  # onnxruntime died of ends between Q and DQ
    assert (cell.state, "MatMul" in cell.reason) == ("mixed", True)
    floats = row_of("GRU", "onnx:f32", worker).cells[0]
    assert cell.error is not None
    assert floats.error is not None
    assert floats.error < cell.error < 0.03


@pytest.mark.all
def test_a_case_has_the_same_weights_in_every_process(worker: Worker, tmp_path: Path):
    found = []
    with Worker() as other:
        for number, child in enumerate((worker, other)):
            folder = tmp_path / str(number)
            folder.mkdir()
            child.call("export.conformance.children:save", name="Dense", folder=str(folder))
            child.call(
                "export.tasks:reference",
                checkpoint=str(folder / "case.h5"),
                tensors=str(folder / "evaluation.npz"),
                out=str(folder / "out.npz"),
            )
            found.append(arrays.read(folder / "out.npz")["out"])
    np.testing.assert_array_equal(*found)


def test_cases_in_lanes_come_out_once_each_and_a_failure_is_not_lost(monkeypatch: pytest.MonkeyPatch):
    names = {f"case {i}": "Dense" for i in range(9)}
    monkeypatch.setattr(runner, "listing", lambda worker: {"cases": names})
    monkeypatch.setattr(runner, "one", lambda name, layer, *rest: Row(name, layer, 0, (), 0.0))
    assert sorted(row.name for row in runner.run(["*"], done={"case 0"}, jobs=2)) == list(names)[1:]
    monkeypatch.setattr(runner, "one", lambda name, *rest: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        list(runner.run(["*"], jobs=2))


@pytest.mark.all
@pytest.mark.timeout(7200)
def test_no_cell_of_the_matrix_is_wrong():
    rows = list(runner.run(["*"], jobs=2))
    wrong = [(r.name, c.format, c.precision, c.reason) for r in rows for c in r.cells if c.state == "wrong"]
    assert wrong == []
    assert not [
        r.name for r in rows for c in r.cells if c.precision == "f32" and c.error is not None and c.error > 1e-5
    ]


def made(
    status: str, reason: str = "", precision: str = "int8", passed: bool = True, checks: tuple[Check, ...] = ()
) -> Result:
    verdict = Verdict("xnnpack", 1, 0.1, 0.01, 0.01, 1.0, checks=(Check("relative", passed, "far"),))
    return Result("tflite", "int8", status, reason, precision=precision, verdicts=(verdict,), checks=checks)


def test_a_cell_is_verified_mixed_float32_refused_or_wrong():
    off = (Check("precision", False, "its bytes are mixed (of another precision: CONV_3D)"),)
    states = {
        "verified": made("verified"),
        "mixed": made("wanting", precision="mixed", checks=off),
        "f32": Result("tflite", "int8-dynamic", "not made", f"{NOTHING_SMALLER} weights in 8 bits."),
        "wrong": made("wanting", "largest difference 3", passed=False),
    }
    assert {state: runner.cell("Dense", "Dense", result).state for state, result in states.items()} == {
        s: s for s in states
    }
    missing = "... must have every operator of the graph. Received: GELU, TILE"
    refused = runner.cell("Dense", "Dense", Result("tflm", "int8", "not made", missing))
    assert (refused.state, refused.reason) == ("refused", "TensorFlow Lite for Microcontrollers has no GELU, TILE.")
    assert "silu" in refused.rewrite
    assert "Concatenate" in refused.rewrite


def test_a_large_error_with_another_failure_is_not_mixed():
    off = (Check("precision", False, "its bytes are mixed"),)
    assert runner.cell("Dense", "Dense", made("wanting", "far", "mixed", False, off)).state == "wrong"


def test_an_unknown_failure_is_explained_by_nothing():
    assert limits.explain("Dense", Result("tflite", "int8", "crashed", "died of SIGSEGV")) is None


def test_a_page_tells_its_notes_once(tmp_path: Path):
    cell = Cell("tflm", "int8", "refused", reason="No GELU.", rewrite="Use silu.")
    rows = [Row(name, "Dense", 1, (cell,), 1.0) for name in ("a", "b")]
    listing = {"reasons": {"Layer": "abstract"}, "classes": {"Dense": ["Dense"]}}
    page.write(rows, listing, (2, 3), tmp_path / "layers.md")
    text = (tmp_path / "layers.md").read_text()
    assert text.count("No GELU. Use silu.") == 1
    assert "| a | no [1] |" in text
    assert "2 cases of 1 classes took 2 s." in text
