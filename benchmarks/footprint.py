"""Installed size and import time of the runner beside TensorFlow's: python benchmarks/footprint.py

Sizes are of the files that each distribution's own RECORD lists, with those it requires, as installed in this
environment: compiled caches left out, extras left out. `edgeproof` is counted from its sources, as an editable
install lists none. Import times are medians over fresh processes, the interpreter's own start taken off.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

import edgeproof


def closure(name: str) -> set[str]:
    """The distribution and all that it requires here."""
    found: set[str] = set()
    todo = [name]
    while todo:
        current = todo.pop().lower().replace("_", "-").replace(".", "-")
        if current in found:
            continue
        try:
            requires = distribution(current).requires or []
        except PackageNotFoundError:
            continue
        found.add(current)
        needed = (Requirement(text) for text in requires)
        todo += [r.name for r in needed if r.marker is None or r.marker.evaluate({"extra": ""})]
    return found


def megabytes(names: set[str]) -> float:
    """Size of the files of these distributions."""
    total = 0
    for name in names:
        files = distribution(name).files or []
        paths = [Path(str(f.locate())) for f in files if f.suffix != ".pyc"]
        total += sum(p.stat().st_size for p in paths if p.is_file())
    return total / 1e6


def main() -> None:
    sources = Path(edgeproof.__file__).parent.rglob("*.py")
    runner = closure("numpy") | closure("ai-edge-litert") | closure("pillow")
    own = sum(p.stat().st_size for p in sources) / 1e6
    sizes = {
        "edgeproof alone": own,
        "edgeproof with numpy, ai-edge-litert, pillow": own + megabytes(runner),
        "edgeproof[onnx-runtime]": own + megabytes(runner | closure("onnxruntime")),
        "tensorflow": megabytes(closure("tensorflow")),
    }
    for name, size in sizes.items():
        print(f"{name:<46} {size:9.1f} MB   {size / sizes['tensorflow']:7.1%} of tensorflow")
    start = seconds("pass")
    for statement in ("import edgeproof", "import edgeproof.runner", "import tensorflow"):
        print(f"{statement:<46} {seconds(statement) - start:9.3f} s")


def seconds(statement: str, runs: int = 5) -> float:
    """Median time of a process that does this."""
    times = []
    for _ in range(runs):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], check=True, capture_output=True)
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


if __name__ == "__main__":
    main()
