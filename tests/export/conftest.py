"""What the export tests share: one child process with TensorFlow in it, the pipeline on that child, a small model."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from edgeproof.contract import Contract, Decode, Frontend, Graph, Provenance, Tensor, Tolerance
from edgeproof.samples import Samples
from export import formats, pipeline, verification
from export.worker import Worker

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@pytest.fixture(scope="session")
def worker() -> Iterator[Worker]:
    """A child that imports TensorFlow once for all tests, and finds the modules of this folder."""
    with Worker(environment={"PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}"}) as worker:
        yield worker


@pytest.fixture(scope="session")
def export(worker: Worker) -> Callable[..., pipeline.Outcome]:
    """`export(checkpoint, "tflite:int8", ..., out=..., samples=...)`: the pipeline on `worker` alone."""

    def run(checkpoint: Path, *to: str, **request: Any) -> pipeline.Outcome:
        explicit = any(":" in text for text in to)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pipeline, "Worker", lambda **_: contextlib.nullcontext(worker))
            return pipeline.run(pipeline.Request(checkpoint, formats.parse(list(to)), explicit, **request))

    return run


SMALL = Contract(
    name="small",
    title="Stripes",
    graphs=(
        Graph(
            "main",
            (Tensor("image", (None, 8, 8, 1), "float32", "NHWC"),),
            (Tensor("logits", (None, 3), "float32", "NC"),),
        ),
    ),
    frontends=(Frontend("image", "image", ({"op": "channels", "channels": 1}, {"op": "scale", "factor": 1 / 255.0})),),
    decode=Decode("classify", "logits", "logits"),
    labels=("across", "down", "slanted"),
    tolerances={"f32": Tolerance(relative=1e-5, relative_l2=1e-5, drop=0.0)},
    provenance=Provenance(recipe="stripes", seed=0),
)


@dataclasses.dataclass(frozen=True)
class Small:
    """A folder as training leaves it, `small.h5` with a contract and `samples.npz`; and a foreign `softmax.h5`."""

    folder: Path

    @property
    def checkpoint(self) -> Path:
        return self.folder / "small.h5"

    @property
    def foreign(self) -> Path:
        return self.folder / "softmax.h5"

    def copy(self, to: Path, change: Callable[[Contract], Contract] = lambda contract: contract) -> Small:
        """A copy at `to`, its contract changed."""
        shutil.copytree(self.folder, to)
        copied = Small(to)
        write_contract(copied.checkpoint, change(SMALL))
        return copied


def write_contract(checkpoint: Path, contract: Contract | str) -> None:
    """Put a contract, or what claims to be one, into a checkpoint."""
    with h5py.File(checkpoint, "r+") as file:
        file.attrs[Contract.KEY] = contract if isinstance(contract, str) else contract.to_json()


def stripes(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (n, 8, 8) and labels (n,) as the small model knows them; the same as `children.pictures`."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    y, x = np.mgrid[:8, :8]
    images = 170 * np.stack([y // 2 % 2, x // 2 % 2, (x + y) // 2 % 2])[labels] + rng.integers(0, 80, (n, 8, 8))
    return images.astype(np.uint8), labels.astype(np.int64)


@pytest.fixture(scope="session")
def small(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Small:
    """The small model; tests that change it take a copy."""
    folder = tmp_path_factory.mktemp("small") / "small"
    folder.mkdir()
    for kind, name in (("logits", "small.h5"), ("softmax", "softmax.h5")):
        worker.call("children:save_small", path=str(folder / name), kind=kind)
    write_contract(folder / "small.h5", SMALL)
    evaluation, labels = stripes(120, seed=1)
    calibration, _ = stripes(40, seed=2)
    manifest = {"data": "stripes", "title": "Stripes, made for the tests", "synthetic": True}
    Samples({"image": evaluation}, {"image": calibration}, labels, manifest).write(folder / "samples.npz")
    return Small(folder)


@pytest.fixture(scope="session")
def made(
    small: Small, export: Callable[..., pipeline.Outcome], tmp_path_factory: pytest.TempPathFactory
) -> pipeline.Outcome:
    """The small model in every format and precision, to read and not to write in."""
    return export(small.folder, out=tmp_path_factory.mktemp("made"))


@dataclasses.dataclass(frozen=True)
class Said:
    """What a command said."""

    status: int
    out: str
    err: str


@pytest.fixture
def cli(worker: Worker, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """`python -m export ARGUMENTS` in this process, with `worker` as all its children."""
    from export.__main__ import main

    for module in (pipeline, verification):
        monkeypatch.setattr(module, "Worker", lambda **_: contextlib.nullcontext(worker))

    def run(*arguments: object) -> Said:
        capfd.readouterr()
        status = main([str(argument) for argument in arguments])
        return Said(status, *capfd.readouterr())

    return run
