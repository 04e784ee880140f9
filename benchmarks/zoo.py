"""Train, export, verify and time every system, and write docs/zoo.md: python benchmarks/zoo.py

Each system is trained and exported by the very commands that the page shows, two at a time; then each int8 file is
timed on the TensorFlow-free runner in turns with LeNet-5's, in one process with nothing beside it. With --only the
others' rows are taken from the folders that an earlier run left, or, where there are none, from the page as it is. With
--data it is every system that reads that data set, and docs/zoo-DATA.md.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import edgeproof
from edgeproof import atomic, timing
from train import registry

ROOT = Path(__file__).resolve().parents[1]
YARDSTICK = "lenet5"
EMBEDDED = "embedded"
SERVED, INTEGER = "tflite", "int8"
# Systems that are shown in each form of their builder, and what the forms are of.
FORMS = {
    "separable": ("ordinary", "depthwise", "spatial", "grouped"),
    "locally_connected": ("local", "shared", "dense"),
}
ROUNDS, CALLS = 20, 20
_HEAD = (
    "system", "paper", "data", "parameters", "score", "int8 score, loss in points", "int8 bytes", "latency", "verified",
    "command",
)  # fmt: skip


@dataclass(frozen=True)
class System:
    """A recipe in one form, "" being its plain one, and where its files are."""

    recipe: str
    variant: str = ""
    data: str = EMBEDDED

    @property
    def name(self) -> str:
        return "-".join([self.recipe, *filter(None, [self.variant]), *[self.data] * (self.data != EMBEDDED)])

    @property
    def form(self) -> str:
        """What its form is called among the others."""
        return self.variant or str(registry.load(self.recipe).arguments["variant"])

    @property
    def command(self) -> list[str]:
        wish = ["--set", f"variant={self.variant}"] if self.variant else []
        data = ["--data", self.data] if self.data != EMBEDDED else []
        return ["train", self.recipe, *data, *wish]


def systems(data: str) -> list[System]:
    """Every recipe for a data set in its plain form, and the forms that are shown side by side."""
    names = [name for name in registry.names() if data in registry.load(name).data]
    plain = [System(name, data=data) for name in names]
    forms = [System(name, variant, data) for name in names for variant in FORMS.get(name, ())]
    return plain + [system for system in forms if system.form != System(system.recipe).form]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[], metavar="RECIPE", help="train and export these alone")
    parser.add_argument("--saved", type=Path, default=ROOT / "saved", help="folder of the systems' folders")
    parser.add_argument("--page", type=Path, help="default: docs/zoo.md, or docs/zoo-DATA.md")
    parser.add_argument("--data", default=EMBEDDED, help="data set (default: what each system has embedded)")
    parser.add_argument("--data-dir", type=Path, help="folder with the makers' files of that data set")
    parser.add_argument("--to", nargs="+", default=[], help="formats (default: all); tflite:int8 must be among them")
    parser.add_argument("--jobs", type=int, default=2, help="systems at a time, 2.5 GB each (default 2)")
    parser.add_argument("--again", action="store_true", help="train and export what an earlier run finished, too")
    args = parser.parse_args()
    start, failed = time.monotonic(), []
    whole = systems(args.data)

    def make(system: System) -> None:
        if not _made(system, args.saved / system.name, args.data_dir, args.to, args.again):
            failed.append(system.name)
        print(f"{time.monotonic() - start:6.0f} s  {system.name}", file=sys.stderr, flush=True)

    with ThreadPoolExecutor(args.jobs) as pool:
        list(pool.map(make, [system for system in whole if not args.only or system.recipe in args.only]))
    rows = [row for system in whole if (row := _row(system, args.saved / system.name))]
    _timed(rows)
    page = args.page or ROOT / "docs" / ("zoo.md" if args.data == EMBEDDED else f"zoo-{args.data}.md")
    atomic.write_text(page, _page(rows, args.data, args.to, _kept(page, rows)))
    for name in FORMS:
        _beside(name, _forms_of(name, rows), args.saved)
    print(page)
    if failed:
        print(f"zoo: not verified or below the floor: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _made(system: System, folder: Path, data_dir: Path | None, to: list[str], again: bool) -> bool:
    done = folder / "zoo.json"
    if not again and done.is_file():
        return bool(json.loads(done.read_text())["passed"])
    # As a person would name it: the card shows the command.
    told = folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder
    out = [] if told == Path("saved") / system.recipe else ["--out", str(told)]
    out += ["--data-dir", str(data_dir)] if data_dir else []
    commands = [*system.command, *out, "--quiet"], ["export", str(told), "--brief", *(["--to", *to] if to else [])]
    passed = all(subprocess.run([sys.executable, "-m", *command], cwd=ROOT).returncode == 0 for command in commands)
    atomic.write_text(done, json.dumps({"passed": passed}) + "\n")
    return passed


def _row(system: System, folder: Path) -> dict[str, Any] | None:
    """What the page tells of a system, from the files that training and export left; None where they are missing."""
    try:
        run = json.loads((folder / "run.json").read_text())
        report = json.loads((folder / "export" / "report.json").read_text())
    except OSError:
        return None
    artifact = next(a for a in report["artifacts"] if (a["format"], a["asked"]) == (SERVED, INTEGER))
    reports = [json.loads(path.read_text()) for path in sorted((folder / "export").glob("report*.json"))]
    made = [artifact for report in reports for artifact in report["artifacts"]]

    def told(*states: str) -> list[tuple[str, str]]:
        return [
            (f"{a['graph']} {a['format']}:{a['asked']}".strip(), a["reason"]) for a in made if a["status"] in states
        ]

    return {
        "system": system,
        "run": run,
        "integer": artifact,
        "states": [a["status"] for a in made],
        "refused": told("not made"),
        "wanting": told("wanting", "crashed"),
        "file": folder / "export" / artifact["file"] if artifact["file"] else None,
        "macs": _cost(folder / f"{system.recipe}.h5"),
    }


def _cost(path: Path) -> int | None:
    import importlib

    import keras

    importlib.import_module("models.layers")
    from models.cost import multiply_accumulates

    try:
        return multiply_accumulates(keras.saving.load_model(path, compile=False))
    except ValueError:
        return None


def _timed(rows: list[dict[str, Any]]) -> None:
    """Median latency of each int8 file as a ratio to the yardstick's, rounds of the two taking turns."""
    yardstick = next((row["file"] for row in rows if row["system"].recipe == YARDSTICK), None)
    if yardstick is None:
        return
    base = _call(yardstick)
    for row in rows:
        if row["file"] is None:
            continue
        other = _call(row["file"])
        ratios = []
        for _ in range(ROUNDS):
            ours, theirs = (timing.quantiles(act, CALLS)[0] for act in (other, base))
            ratios.append(ours / theirs)
        row["ratio"] = float(np.median(ratios))


def _call(path: Path) -> Any:
    model = edgeproof.load(path)
    feeds = timing.noise(model.session.inputs)
    return lambda: model.session(feeds)


@dataclass(frozen=True)
class _Kept:
    """What a page tells of systems that are not among the rows of this run: their rows, notes and forms, by name."""

    rows: dict[str, str]
    notes: list[tuple[str, str]]
    forms: dict[str, list[str]]


def _kept(page: Path, rows: list[dict[str, Any]]) -> _Kept:
    made, registered = {row["system"].recipe for row in rows}, set(registry.names())
    text = page.read_text() if page.is_file() else ""

    def others(found: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [(name, line) for name, line in found if name in registered - made]

    lines = [(name, line) for line, name in re.findall(r"^(\| \[(\w+)\]\(.*)$", text, re.MULTILINE)]
    notes = [(name, line) for line, name in re.findall(r"^(- `(\w+)` as .*)$", text, re.MULTILINE)]
    forms = re.findall(r"^## (\w+): its forms side by side\n\n((?:\|.*\n)+)", text, re.MULTILINE)
    return _Kept(dict(others(lines)), others(notes), {name: table.splitlines() for name, table in others(forms)})


def _page(rows: list[dict[str, Any]], data: str, to: list[str], kept: _Kept) -> str:
    plain = [row for row in rows if not row["system"].variant]
    if data == EMBEDDED:
        title, what, command = "The zoo", "Every system on its embedded data", f"`make zoo` (`{_again(data)}`)"
    else:
        title, what = f"The zoo on {data}", f"Every system that reads {data}, on it"
        command = f"`{_again(data)}{f' --to {shlex.join(to)}' if to else ''}`"
    lines = [
        f"# {title}",
        "",
        f"{what}, one seed, trained, exported to {' and '.join(to) or 'every format'}, verified and timed by",
        f"{command}, which writes this page. The int8 score is that of the TFLite file on",
        "XNNPACK, beside it its loss against the checkpoint with the 95% paired bootstrap interval. Latency is of that",
        "file on the TensorFlow-free runner, as a ratio to LeNet-5's in the same process.",
        "",
        _cells(*_HEAD),
        "| --- | --- | --- | ---: | --- | --- | ---: | ---: | --- | --- |",
    ]
    told = kept.rows | {row["system"].recipe: _line(row) for row in plain}
    lines += [told[name] for name in sorted(told)]
    notes = [(row["system"].name, pair, why) for row in plain for pair, why in row["refused"]]
    notes += [(row["system"].name, f"{pair}, found wanting", why) for row in plain for pair, why in row["wanting"]]
    said = [*kept.notes, *((name, f"- `{name}` as {pair}: {why}.") for name, pair, why in notes)]
    if said:
        lines += [
            "",
            "## What is not there, and why",
            "",
            *(line for _, line in sorted(said, key=lambda note: note[0])),
        ]
    for name in FORMS:
        forms = _forms_of(name, rows)
        table = _forms(forms) if forms else kept.forms.get(name, [])
        if table:
            lines += ["", f"## {name}: its forms side by side", "", *table]
    return "\n".join(lines) + "\n"


def _again(data: str) -> str:
    """The command that makes a data set's page."""
    return "python benchmarks/zoo.py" + (f" --data {data}{_where(data)}" if data != EMBEDDED else "")


def _where(data: str) -> str:
    return "" if data == EMBEDDED else " --data-dir DIR"


def _line(row: dict[str, Any]) -> str:
    run, system = row["run"], row["system"]
    recipe = registry.load(system.recipe)
    data = "synthetic" if run["data"]["synthetic"] else "real"
    states = row["states"]
    return _cells(
        f"[{system.recipe}](../train/recipes/{system.recipe}.py)",
        recipe.paper,
        f"{data}, {run['data']['test']:,} test samples",
        f"{run['parameters']:,}",
        _score(run["score"]) + _missed(run["score"]),
        _served(row["integer"]),
        f"{row['integer']['bytes']:,}" if row["integer"]["bytes"] else "-",
        f"{row['ratio']:.2f}" if "ratio" in row else "-",
        f"{states.count('verified')} of {len(states)}",
        f"`python -m {shlex.join(system.command)}{_where(system.data)}`",
    )


def _score(score: dict[str, Any]) -> str:
    low, high = score["interval"]
    return f"{score['metric']} {score['value']:.2%} ({low:.2%} to {high:.2%})"


def _missed(score: dict[str, Any]) -> str:
    return "" if score["reached"] else f", **below its floor of {score['floor']:.2%}**"


def _served(artifact: dict[str, Any]) -> str:
    for verdict in artifact["verdicts"][:1]:
        if verdict["drop"] is not None:
            low, high = verdict["drop_interval"]
            return f"{verdict['score']:.2%}, {verdict['drop']:+.2f} ({low:+.2f} to {high:+.2f})"
    return "-"


def _forms_of(name: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A recipe's rows in the order of its forms; none where only the plain one is there."""
    found = {row["system"].form: row for row in rows if row["system"].recipe == name}
    return [found[form] for form in FORMS[name] if form in found] if len(found) > 1 else []


def _forms(rows: list[dict[str, Any]]) -> list[str]:
    head = [
        "form",
        "multiply-accumulates",
        "parameters",
        "score",
        "int8 score, loss in points",
        "int8 bytes",
        "latency",
    ]
    lines = [_cells(*head), "| --- | ---: | ---: | --- | --- | ---: | ---: |"]
    for row in rows:
        lines.append(
            _cells(
                row["system"].form,
                f"{row['macs']:,}" if row["macs"] else "-",
                f"{row['run']['parameters']:,}",
                _score(row["run"]["score"]),
                _served(row["integer"]),
                f"{row['integer']['bytes']:,}",
                f"{row['ratio']:.2f}" if "ratio" in row else "-",
            )
        )
    return lines


def _beside(name: str, rows: list[dict[str, Any]], saved: Path) -> None:
    """The forms' table in the card of each of them, in place of the one that stood there."""
    if not rows:
        return
    title = "## Its forms side by side"
    table = "\n".join(_forms(rows))
    for folder in (saved / row["system"].name for row in rows):
        card = folder / "card.md"
        if card.is_file():
            text = card.read_text()
            before, _, rest = text.partition(title)
            after = rest[rest.index("\n## ") + 1 :] if "\n## " in rest else ""
            if not rest:
                before, use, after = text.partition("## Intended use")
                after = use + after
            command = f"`{_again(rows[0]['system'].data)} --only {name}`"
            told = f"int8 on the runner, latency as a ratio to LeNet-5's; {command}."
            atomic.write_text(card, f"{before}{title}\n\n{told}\n\n{table}\n\n{after}")


def _cells(*values: str) -> str:
    return "| " + " | ".join(values) + " |"


if __name__ == "__main__":
    sys.exit(main())
