"""report.json and report.html: the same figures in both, everything in one file, nothing in it that can bite."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import math
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof.contract import Contract, Decode, Graph, Provenance, Score, Tensor, Tolerance
from edgeproof.samples import Samples
from export import pipeline, report
from export.report import page, pictures
from export.report.__main__ import main as show
from export.verdict import Check, Result, compare

VOID = {"meta", "br", "img", "link", "input", "hr", "source"}
LOADING = {"script", "link", "iframe", "object", "embed", "base", "form", "audio", "video", "source", "style-src"}


class Page(HTMLParser):
    """A page as a browser's parser sees it: elements in order, with what they hold; it must be well formed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: list[list[list[str]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == [], f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            assert "url(" not in data
            assert "@import" not in data
            return
        self.text += data
        if self._open and self._open[-1] != "tr" and ("td" in self._open or "th" in self._open):
            self.tables[-1][-1][-1] += data

    def pictures(self) -> list[tuple[str, np.ndarray]]:
        """Alternative text and pixels of every picture."""
        from PIL import Image

        found = []
        for tag, attributes in self.elements:
            if tag == "img":
                head, _, body = (attributes["src"] or "").partition(",")
                assert head == "data:image/png;base64"
                found.append((attributes["alt"] or "", np.asarray(Image.open(io.BytesIO(base64.b64decode(body))))))
        return found


def self_contained(text: str) -> None:
    read = Page(text)
    assert not {tag for tag, _ in read.elements} & LOADING
    for tag, attributes in read.elements:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in ("src", "href", "srcset", "data", "action", "poster", "background"):
                assert (value or "").startswith("data:image/png;base64,"), (tag, name)
            elif name == "style":
                assert "url(" not in (value or "")
    assert not re.search(r"https?:|//[a-z]", re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]*", "", text))


# --- an outcome by hand ---

HOSTILE = '<script>alert("label")</script>'
COST = {"median_ms": 0.25, "p90_ms": 0.5, "peak_bytes": 3_000_000}


def outcome(out: Path, change: Callable[[np.ndarray], np.ndarray] = lambda y: y, **fields: Any) -> pipeline.Outcome:
    """A checkpoint with three classes on 30 pictures; "good" repeats its outputs, "bad" gives what `change` makes."""
    rng = np.random.default_rng(0)
    labels = np.arange(30) % 3
    reference = (4 * np.eye(3)[labels] + rng.normal(size=(30, 3))).astype(np.float32)
    raw = rng.integers(0, 256, (30, 6, 6), dtype=np.uint8)
    contract = Contract(
        name=fields.pop("name", "model"),
        title=fields.pop("title", "A title"),
        graphs=(Graph("main", (Tensor("image", (None, 6, 6, 1)),), (Tensor("y", (None, 3)),)),),
        decode=Decode("classify", "y"),
        labels=fields.pop("names", ("zero", "one", "two")),
        score=Score("accuracy", 1.0, (0.9, 1.0), 30, "data", "test"),
        provenance=Provenance(recipe="r"),
    )
    contract = fields.pop("contract", contract)
    given = fields.pop("labels", labels)
    outputs, results = {}, []
    limits = Tolerance(agreement=0.95, drop=1.0, relative=0.5)
    for asked, word, values in (("f32", "good", reference), ("int8", "bad", change(reference.copy()))):
        file = f"{contract.name}.{word}.tflite"
        verdict = compare({"y": reference}, {"y": values}, given, contract, limits, "xnnpack", COST)
        wanting = [check.said for check in verdict.checks if not check.passed]
        outputs[(file, "xnnpack")] = {"y": values}
        results.append(
            Result(
                format="tflite",
                asked=asked,
                status="wanting" if wanting else "verified",
                reason="; ".join(wanting),
                precision=asked,
                file=file,
                bytes=1234,
                sha256="ab" * 32,
                seconds=0.5,
                operators={"ADD": 2},
                verdicts=(verdict,),
                checks=(Check("precision", True, f"its bytes are {asked}"),),
            )
        )
    path = {
        "path": "folder/model.h5",
        "sha256": "cd" * 32,
        "bytes": 9999,
        "parameters": 77,
        "keras_version": "3",
        "translated": [],
    }
    made = pipeline.Outcome(
        contract=contract,
        checkpoint=path,
        samples=Samples({"image": raw}, {}, given, {"title": "Pictures"}, "samples.npz"),
        truth=given,
        reference={"y": reference},
        results=results,
        out=out,
        command="python -m export x",
        outputs=outputs,
    )
    return dataclasses.replace(made, **fields)


def swap(y: np.ndarray) -> np.ndarray:
    """Other decisions on samples 4, 5 and 11."""
    y[[4, 5, 11]] = y[[4, 5, 11]][:, [1, 2, 0]]
    return y


def written(made: pipeline.Outcome) -> tuple[dict[str, Any], Page, str]:
    made.out.mkdir(exist_ok=True)
    path = report.write(made)
    assert path == made.out / "report.html"
    text = path.read_text(encoding="utf-8")
    self_contained(text)
    return json.loads((made.out / "report.json").read_text()), Page(text), text


# --- what stands in it ---


def test_the_report_of_an_export_is_whole(made: pipeline.Outcome, tmp_path: Path) -> None:
    told, read, _ = written(dataclasses.replace(made, out=tmp_path))
    assert told["passed"] is True
    assert len(told["artifacts"]) == len(made.results)
    alts = [alt for alt, _ in read.pictures()]
    assert alts[0].startswith("Scatter of each artifact")
    assert "verified" in read.text
    for result in made.results:
        assert result.file in read.text
    contract = next(text for text in re.findall(r"\{.*\}", read.text, re.DOTALL))
    assert json.loads(contract)["name"] == "small"


def test_the_figures_of_the_page_are_those_of_the_json(made: pipeline.Outcome, tmp_path: Path) -> None:
    told, read, _ = written(dataclasses.replace(made, out=tmp_path))
    rows = [[cell.strip() for cell in row] for row in read.tables[0][1:]]
    expected = []
    for artifact in told["artifacts"]:
        for i, verdict in enumerate(artifact["verdicts"]):
            low, high = verdict["drop_interval"]
            figures = [
                verdict["runtime"], f"{verdict['max_abs']:.1e}", f"{verdict['relative_l2']:.1e}",
                f"{verdict['agreement']:.2%}", f"{verdict['score']:.2%}",
                f"{verdict['drop']:+.2f} ({low:+.2f} to {high:+.2f})", f"{verdict['median_ms']:.3f}",
            ]  # fmt: skip
            first = [artifact["file"], artifact["status"], f"{artifact['bytes']:,}"] if i == 0 else []
            expected.append([*first, *figures])
    found = [row[:] for row in rows]
    for row in found:
        if len(row) == 10:
            row[0] = row[0].split("TensorFlow")[0].split("ONNX")[0].split("C array")[0].strip()
    assert found == expected


def test_the_tiles_answer_with_the_worst_figures(tmp_path: Path) -> None:
    _, read, text = written(outcome(tmp_path, swap))
    tiles = re.findall(r'<div class="tile ?(\w*)"><div class="soft">(.*?)</div><div class="figure">(.*?)</div>', text)
    assert [(question, bad) for bad, question, _ in tiles] == [
        ("Is it the same model?", ""), ("Is it good enough?", "bad"), ("What does it cost?", ""),
    ]  # fmt: skip
    assert tiles[0][2] == "0.0e+00"
    assert tiles[1][2] == "+10.00 points"
    assert "not verified" in read.text


def test_no_tile_is_good_where_an_artifact_gave_no_numbers(tmp_path: Path) -> None:
    _, _, text = written(outcome(tmp_path, lambda y: y * np.float32(np.nan)))
    tiles = re.findall(r'<div class="tile ?(\w*)"><div class="soft">(.*?)</div>', text)
    assert ("bad", "Is it good enough?") in tiles


def test_samples_that_an_artifact_decides_otherwise_are_shown(tmp_path: Path) -> None:
    made = outcome(tmp_path, swap)
    told, read, _ = written(made)
    assert told["artifacts"][1]["verdicts"][0]["disagreeing"] == [4, 5, 11]
    shown = dict(read.pictures()[1:])
    assert list(shown) == ["sample 4", "sample 5", "sample 11"]
    for index in (4, 5, 11):
        assert np.array_equal(shown[f"sample {index}"], made.samples.evaluation["image"][index])
        ours = made.outputs["model.bad.tflite", "xnnpack"]["y"][index].argmax()
        answers = rf"sample {index}, label (\w+)checkpoint: (\w+)\s*model\.bad\.tflite on xnnpack: (\w+)"
        said = re.search(answers, read.text)
        assert said, read.text
        names = made.contract.labels
        assert said.groups() == (names[index % 3], names[made.reference["y"][index].argmax()], names[ours])
    assert "3 of 30 samples" in read.text


def test_the_most_contested_come_first_and_the_rest_is_counted(tmp_path: Path) -> None:
    made = outcome(tmp_path, lambda y: y[:, [1, 2, 0]])
    assert len(page._disagreeing(made)) == 30
    many = page._MOST_DISAGREEING
    large = np.tile(made.reference["y"], (4, 1))
    good, bad = made.results
    some = dataclasses.replace(good.verdicts[0], disagreeing=(70,))
    most = dataclasses.replace(bad.verdicts[0], disagreeing=tuple(range(100)))
    larger = dataclasses.replace(
        made,
        reference={"y": large},
        truth=np.tile(made.truth, 4),
        samples=Samples({"image": np.tile(made.samples.evaluation["image"], (4, 1, 1))}),
        outputs={key: {"y": large[:, [1, 2, 0]]} for key in made.outputs},
        results=[dataclasses.replace(good, verdicts=(some,)), dataclasses.replace(bad, verdicts=(most,))],
    )
    found = page._disagreeing(larger)
    assert len(found) == many
    assert found[0]["index"] == 70
    assert [d["index"] for d in found[1:4]] == [0, 1, 2]
    assert found[0]["total"] == 100


def test_texts_on_which_files_disagree_are_quoted_and_run_nothing(tmp_path: Path) -> None:
    made = outcome(tmp_path, lambda y: y[:, [1, 2, 0]])
    said = np.array([f"{HOSTILE} {i} " + "long " * 60 for i in range(30)])
    made = dataclasses.replace(made, samples=Samples({"tokens": said}))
    found = page._disagreeing(made)
    assert found[0]["text"] == f"{said[found[0]['index']][:160]}..."
    assert found[0]["picture"] is None
    assert pictures.text(np.str_("short")) == "short"
    assert pictures.text(np.zeros((2, 2), np.uint8)) == ""
    html = page.render(made)
    assert HOSTILE not in html
    assert "&lt;script&gt;alert(" in html


def test_what_a_model_writes_is_not_told_apart_by_token(tmp_path: Path) -> None:
    made = outcome(tmp_path, lambda y: y[:, [1, 2, 0]])
    writes = dataclasses.replace(made.contract, decode=Decode("write", "y"))
    assert page._disagreeing(dataclasses.replace(made, contract=writes)) == []


def test_agreement_by_class_stands_under_the_names_of_the_classes(tmp_path: Path) -> None:
    _, read, _ = written(outcome(tmp_path, swap))
    (head, good, bad) = [[cell.strip() for cell in row] for row in read.tables[1]]
    assert head[1:] == ["zero", "one", "two"]
    assert good[1:] == ["100.0%", "100.0%", "100.0%"]
    assert bad[1:] == ["100.0%", "90.0%", "80.0%"]  # 4 is a one; 5 and 11 are twos
    # A contract may name fewer classes than there are; then numbers are better than names that stand wrongly.
    _, read, _ = written(outcome(tmp_path, swap, names=("only", "two names")))
    assert [cell.strip() for cell in read.tables[1][0][1:]] == ["0", "1", "2"]


def test_no_labels_means_no_score_even_where_the_contract_remembers_one(tmp_path: Path) -> None:
    told, read, _ = written(outcome(tmp_path, truth=None))
    assert told["samples"]["scored"] is False
    assert "The samples have no labels, so closeness and decisions are compared" in read.text
    assert "The checkpoint's accuracy there is" not in read.text
    row = next(line for line in report.table(told).splitlines() if line.startswith("model.h5"))
    assert "%" not in row
    _, read, _ = written(outcome(tmp_path))
    assert "The checkpoint's accuracy there is 100.00%" in read.text


def test_the_scatter_shows_what_each_artifact_gave(made: pipeline.Outcome) -> None:
    reference = made.reference["logits"]
    same = pictures.scatter(reference, [("a", reference)])
    other = pictures.scatter(reference, [("a", reference[:, ::-1])])
    assert same != other
    assert same == pictures.scatter(reference, [("a", reference)]), "pictures differ from run to run"
    assert same.startswith("data:image/png;base64,")


def test_crashed_and_not_made_artifacts_have_their_row_and_their_log(tmp_path: Path) -> None:
    made = outcome(tmp_path)
    crashed = Result("onnx", "int8", "crashed", "the converter's process died of SIGABRT", log="last <words>\n& more")
    missing = Result("tflm", "int8", "not made", "it needs calibration samples")
    made = dataclasses.replace(made, results=[*made.results, crashed, missing], older=("model.f16.onnx",))
    told, read, text = written(made)
    assert told["passed"] is False
    assert told["older"] == ["model.f16.onnx"]
    assert "model.f16.onnx" in read.text
    assert "last <words>\n& more" in read.text
    crash, gap = [[cell.strip() for cell in row] for row in read.tables[0][3:]]
    assert crash[0].startswith("onnx:int8")
    assert crash[0].endswith("the converter's process died of SIGABRT")
    assert crash[1:] == ["crashed", "", "not compared"]
    assert gap[0].startswith("tflm:int8")
    assert gap[1:] == ["not made", "", "not compared"]
    assert text.count("not compared") == 2
    lines = report.table(told).splitlines()
    assert any(line.startswith("onnx:int8") and line.endswith("CRASHED") for line in lines)
    assert any(line.startswith("tflm:int8") and line.endswith("NOT MADE") for line in lines)


def test_nothing_at_all_has_a_page_too(tmp_path: Path) -> None:
    made = dataclasses.replace(outcome(tmp_path), results=[Result("onnx", "f32", "crashed", "died")], outputs={})
    told, read, _ = written(made)
    assert told["passed"] is False
    assert "not verified" in read.text
    assert "nothing was compared" in read.text


# --- what must not get in ---


def test_names_from_files_are_text_and_never_markup(tmp_path: Path) -> None:
    made = outcome(
        tmp_path,
        swap,
        title=HOSTILE,
        name="<b>bold</b> & $\\frac{$",
        names=(HOSTILE, '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}"),
        command=f"python -m export '{HOSTILE}'",
    )
    manifest = {"title": HOSTILE, "data": HOSTILE}
    given = dataclasses.replace(made.samples, manifest=manifest, source=HOSTILE)
    check = Check(HOSTILE, True, HOSTILE)
    odd = {"reason": HOSTILE, "log": f"</pre>{HOSTILE}", "operators": {HOSTILE: 1}, "checks": (check,)}
    results = [dataclasses.replace(result, **odd) for result in made.results]
    made = dataclasses.replace(made, samples=given, results=results)
    told, read, text = written(made)
    assert "script" not in {tag for tag, _ in read.elements}
    ours = "html meta title style main h1 h2 span p code b div table tr th td br img details summary ul li pre"
    assert {tag for tag, _ in read.elements} <= set(ours.split())
    assert text.count(HOSTILE) == 0
    assert read.text.count(HOSTILE) > 10
    assert "{{ 7 * 7 }}" in read.text
    assert all(attributes.get("src", "").startswith("data:") for tag, attributes in read.elements if tag == "img")
    assert told["title"] == HOSTILE


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_figures_that_are_not_numbers_are_valid_json_and_a_page(tmp_path: Path, value: float) -> None:
    def spoil(y: np.ndarray) -> np.ndarray:
        y[3] = value
        return y

    made = outcome(tmp_path, spoil)
    _, read, _ = written(made)

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    told = json.loads((tmp_path / "report.json").read_text(), parse_constant=refuse)
    verdict = told["artifacts"][1]["verdicts"][0]
    assert (verdict["relative"], verdict["max_abs"]) == (None, None)
    assert told["artifacts"][1]["status"] == "wanting"
    assert "NaN or infinite" in read.text
    assert "inf" in report.table(told)


def test_an_artifact_without_the_output_has_a_page(tmp_path: Path) -> None:
    made = outcome(tmp_path)
    verdict = compare(made.reference, {}, made.truth, made.contract, Tolerance(), "xnnpack", COST)
    odd = dataclasses.replace(made.results[1], verdicts=(verdict,), status="wanting")
    outputs: dict[Any, Any] = dict(made.outputs) | {("model.bad.tflite", "xnnpack"): {}}
    _, read, _ = written(dataclasses.replace(made, results=[made.results[0], odd], outputs=outputs))
    assert "the artifact has no output y" in read.text


@pytest.mark.parametrize("shape", [(30, 6, 6, 3), (30, 6, 6, 1), (30, 5), (30, 6, 6, 2), (30,)])
def test_samples_of_any_shape_have_a_page(tmp_path: Path, shape: tuple[int, ...]) -> None:
    made = outcome(tmp_path, swap)
    raw = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    _, read, _ = written(dataclasses.replace(made, samples=Samples({"image": raw}, labels=made.truth)))
    drawn = shape[1:] in ((6, 6, 3), (6, 6, 1))
    assert [alt for alt, _ in read.pictures()[1:]] == (["sample 4", "sample 5", "sample 11"] if drawn else [])


# --- again, from the file ---


def test_a_report_can_be_shown_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = outcome(tmp_path / "export")
    told, _, _ = written(made)
    for folder in (tmp_path, tmp_path / "export"):
        assert show([str(folder)]) == 0
        shown = capsys.readouterr().out
        assert shown == report.table(report.facts(made)) + f"\nreport: {tmp_path / 'export' / 'report.html'}\n"
    written(outcome(tmp_path / "export", swap))
    assert show([str(tmp_path)]) == 1
    assert told["artifacts"][0]["status"] == "verified"


def test_a_report_that_is_not_there_or_broken_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert show([str(tmp_path)]) == 2
    assert "no report.json in" in capsys.readouterr().err
    for text in ("", "{", "[]", "{}"):
        (tmp_path / "report.json").write_text(text)
        assert show([str(tmp_path)]) == 2
        assert str(tmp_path / "report.json") in capsys.readouterr().err
