"""Every recipe, in each variant of its builder, trained tiny: exported to every format and precision, and compared."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import edgeproof
from edgeproof import samples, system
from edgeproof.decode.search import Manner
from edgeproof.runner import Prediction
from export import formats
from train import registry

ROOT = Path(__file__).resolve().parents[2]
PAIRS = formats.parse([])
# A network that has seen its data twice decides many samples by a hair, which rounding to eight bits turns: that is
# no fault of the exporter, and a twisted output would leave a tenth of the decisions.
LEAST_AGREEMENT = 0.85
# Outputs that have hardly been learned are small beside what rounds on the way to them.
LARGEST_DISTANCE = {"int8-dynamic": 0.5, "int8": 0.5, "int16x8": 0.1}
EXACT = ("f32",)  # float16 too may turn one such sample; how close it is has been judged
DAILY = "lenet5-relu"
# Training and eleven exports, with as many verifications, of one system in the set-up of its first test.
pytestmark = pytest.mark.timeout(900)


@dataclass(frozen=True)
class System:
    """A recipe in one variant of its builder; "" where the builder has none."""

    recipe: str
    variant: str

    def __str__(self) -> str:
        return f"{self.recipe}-{self.variant}".rstrip("-")


def variants(recipe: str) -> list[str]:
    """The builder's variants, the recipe's default first; read from its source, since importing it imports Keras."""
    arguments = registry.load(recipe).arguments
    if "variant" not in arguments:
        return [""]
    module = registry.load(recipe).build.partition(":")[0]
    source = ROOT.joinpath(*module.split(".")).with_suffix(".py").read_text()
    (found,) = [
        ast.literal_eval(node.value)
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and [getattr(t, "id", "") for t in node.targets] == ["VARIANTS"]
    ]
    assert arguments["variant"] in found
    return sorted(found, key=lambda variant: variant != arguments["variant"])


def systems() -> list[Any]:
    """Each variant of each recipe; all of them take a minute each, so that the default tier has one alone."""
    found = [System(recipe, variant) for recipe in registry.names() for variant in variants(recipe)]
    return [pytest.param(s, id=str(s), marks=[] if str(s) == DAILY else [pytest.mark.all]) for s in found]


def run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *map(str, command)], cwd=ROOT, capture_output=True, text=True)


@pytest.fixture(scope="module", params=systems())
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The reports of a system's graphs, trained and exported as a person does it, and the folder."""
    system: System = request.param
    folder = tmp_path_factory.mktemp(str(system))
    wish = ["--set", f"variant={system.variant}"] if system.variant else []
    trained = run("train", system.recipe, "--tiny", "--quiet", "--out", folder, *wish)
    assert trained.returncode == 0, trained.stderr
    exported = run("export", folder)
    assert exported.returncode in (0, 1), exported.stderr
    recipe = registry.load(system.recipe)
    names = ["report", *[f"report.{part}" for part in recipe.graphs]]
    reports = [json.loads((folder / "export" / f"{name}.json").read_text()) for name in names]
    assert [report["graph"] for report in reports] == ["main", *recipe.graphs]
    assert exported.returncode == (0 if all(report["passed"] for report in reports) else 1)
    return {
        "graphs": reports,
        "folder": folder / "export",
        "system": system,
        "refused": recipe.refusals({"variant": system.variant}),
    }


def test_every_recipe_has_its_variants_here() -> None:
    recipes = {path.stem for path in (ROOT / "train" / "recipes").glob("*.py") if path.stem != "__init__"}
    listed = [param.values[0] for param in systems()]
    assert {system.recipe for system in listed} == recipes
    assert {str(system) for system in listed} >= {"lenet5-1998", "lenet5-sigmoid", "lenet5-relu"}
    assert len({str(system) for system in listed}) == len(listed)
    assert DAILY in {str(system) for system in listed}


def test_every_artifact_is_made_unless_the_recipe_says_why_not(told: dict[str, Any]) -> None:
    for report in told["graphs"]:
        assert [(a["format"], a["asked"]) for a in report["artifacts"]] == PAIRS
    for artifact in artifacts(told):
        pair = f"{artifact['format']}:{artifact['asked']}"
        reason = told["refused"].get(pair) or told["refused"].get(artifact["format"])
        if reason:
            assert (artifact["status"], artifact["reason"]) == ("not made", reason), pair
        else:
            assert artifact["status"] in ("verified", "wanting"), f"{pair}: {artifact['reason']}\n{artifact['log']}"
            assert artifact["precision"] == artifact["asked"], pair
            assert (told["folder"] / artifact["file"]).exists()


def test_every_artifact_is_the_same_function(told: dict[str, Any]) -> None:
    judged = 0
    for report in told["graphs"]:
        n = report["samples"]["n"]
        assert n >= 400
        for artifact in report["artifacts"]:
            for verdict in artifact["verdicts"]:
                pair = f"{report['graph']} as {artifact['format']}:{artifact['asked']} on {verdict['runtime']}"
                assert verdict["n"] == n
                checks = {check["name"]: check for check in (*artifact["checks"], *verdict["checks"])}
                assert {"precision", "contract"} < set(checks)
                assert {"relative", "relative_l2"} & set(checks), f"{pair}: nothing judged how close it is"
                excused = ["drop", "agreement"]  # see LEAST_AGREEMENT
                if artifact["asked"] in LARGEST_DISTANCE:
                    excused.append("relative_l2")
                    assert verdict["relative_l2"] <= LARGEST_DISTANCE[artifact["asked"]], pair
                failed = [c["said"] for name, c in checks.items() if not c["passed"] and name not in excused]
                assert not failed, f"{pair}: {failed}"
                assert verdict["agreement"] is None or verdict["agreement"] >= LEAST_AGREEMENT, pair
                judged += 1
    assert judged >= len(told["graphs"]) * (len(PAIRS) - len(told["refused"]))


def test_float_artifacts_are_verified_without_reserve(told: dict[str, Any]) -> None:
    floats = [a for a in artifacts(told) if a["asked"] in EXACT and a["status"] != "not made"]
    assert floats
    for artifact in floats:
        assert (artifact["status"], artifact["reason"]) == ("verified", "")


def test_what_answers_is_stepped_as_the_whole(told: dict[str, Any]) -> None:
    if registry.load(told["system"].recipe).decode.kind != "answer":
        pytest.skip("it writes no answers")
    folder = told["folder"]
    contract = edgeproof.load(folder / f"{told['system'].recipe}.f32.tflite").contract
    assert contract
    asked = [tensor.name for tensor in contract.graph("main").inputs]
    held = samples.load(folder.parent / "samples.npz", asked).evaluation
    given = [{name: held[name][i] for name in asked[:-1]} for i in range(8)]
    manners = (Manner(), Manner(beam=3))
    precisions = ("f32", "int8")

    def answers() -> list[list[Prediction]]:
        found = [system.load(folder, parts=f"tflite:{precision}") for precision in precisions]
        return [[model.predict(sample, manner) for sample in given for manner in manners] for model in found]

    whole = answers()
    exported = run("export", folder.parent, "--streaming", "--to", *[f"tflite:{p}" for p in precisions], "onnx:f32")
    assert exported.returncode in (0, 1), exported.stderr
    report = json.loads((folder / "report.decoder.step.json").read_text())
    for artifact in report["artifacts"]:
        assert artifact["precision"] == artifact["asked"]
        checks = {check["name"]: check for check in artifact["checks"]}
        assert checks["stepping"]["passed"], checks["stepping"]
        # Of an untaught network the int8 steps may be as far as its other files: see LARGEST_DISTANCE.
        assert checks["drift"]["passed"] or artifact["asked"] == "int8", checks["drift"]
        for verdict in artifact["verdicts"]:
            assert verdict["relative_l2"] <= LARGEST_DISTANCE.get(artifact["asked"], 1e-5)
            assert verdict["agreement"] >= LEAST_AGREEMENT
    stepped = answers()
    for one, other in zip(whole[0], stepped[0], strict=True):
        assert one.label == other.label
        assert list(one.ranking) == [(label, pytest.approx(chance, rel=1e-3)) for label, chance in other.ranking]
    assert all(isinstance(prediction.label, str) for prediction in stepped[1])


def artifacts(told: dict[str, Any]) -> list[dict[str, Any]]:
    return [artifact for report in told["graphs"] for artifact in report["artifacts"]]
