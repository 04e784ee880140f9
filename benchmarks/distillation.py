"""A teacher, its student, and the same network without a teacher: python benchmarks/distillation.py [--seeds 3]

Trains `bert_tiny` without pretraining (the teacher, as `bert_student` trains it first), `bert_student`, and `bert_tiny`
once more in the student's size, from the same labels and for as many epochs as the teacher; exports each as
`tflite:int8`; and prints side by side: parameters, bytes of that file, its latency on the TensorFlow-free runner as a
ratio to the teacher's (rounds of the two in turns, in one process), and scores on the test split: in float, mean and
range over the seeds, and of the int8 file of the first.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import edgeproof
from edgeproof import timing
from train import registry

ROOT = Path(__file__).resolve().parents[1]
ROUNDS, CALLS = 20, 50


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each (default 3)")
    parser.add_argument("--folder", type=Path, help="folder to train into; what an earlier run finished there is kept")
    args = parser.parse_args()
    student = registry.load("bert_student").arguments
    plain = ["bert_tiny", "--set", "pretraining_epochs=0"]
    small = [word for key in ("units", "blocks") for word in ("--set", f"{key}={student[key]}")]
    networks = {
        "teacher": plain,
        "student, taught": ["bert_student"],
        "student's size, labels alone": [*plain, *small],
    }
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.folder or Path(scratch)
        rows = {
            title: _made(command, folder / str(at), args.seeds) for at, (title, command) in enumerate(networks.items())
        }
        base = _call(rows["teacher"]["file"])
        print("| | parameters | int8 bytes | int8 latency, teacher's = 1 | score, mean (least to most) | int8 score |")
        print("| --- | ---: | ---: | ---: | --- | --- |")
        for title, row in rows.items():
            print(f"| {title} | {_told(row, _ratio(_call(row['file']), base))} |")
    return 0


def _made(command: list[str], out: Path, seeds: int) -> dict[str, Any]:
    report = out / "export" / "report.json"
    if not report.is_file():
        train = ["train", *command, "--seeds", str(seeds), "--out", str(out), "--quiet"]
        for each in (train, ["export", str(out), "--to", "tflite:int8", "--brief"]):
            subprocess.run([sys.executable, "-m", *each], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    (artifact,) = json.loads(report.read_text())["artifacts"]
    run = json.loads((out / "run.json").read_text())
    return {"run": run, "integer": artifact, "file": out / "export" / artifact["file"]}


def _told(row: dict[str, Any], ratio: float) -> str:
    run, integer = row["run"], row["integer"]
    scores = [float(value) for value in run["score"]["by_seed"].values()]
    several = f"{np.mean(scores):.2%} ({min(scores):.2%} to {max(scores):.2%})"
    verdict = integer["verdicts"][0]
    return (
        f"{run['parameters']:,} | {integer['bytes']:,} | {ratio:.2f} | {several} | "
        f"{verdict['score']:.2%} on {verdict['runtime']}"
    )


def _call(path: Path) -> Any:
    model = edgeproof.load(path)
    feeds = timing.noise(model.session.inputs)
    return lambda: model.session(feeds)


def _ratio(act: Any, base: Any) -> float:
    """Of median latencies, the median over rounds of the two in turns."""
    return float(np.median([timing.quantiles(act, CALLS)[0] / timing.quantiles(base, CALLS)[0] for _ in range(ROUNDS)]))


if __name__ == "__main__":
    sys.exit(main())
