"""A run of the fuzzer: files made from seeds, each tried in a child, and an account of what came of them."""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeproof.errors import Refused
from export.limits import Limits
from export.worker import Crashed, Worker

from . import archives, groups, models, raw, trees

HERE = Path(__file__).resolve().parent
SECONDS = 20.0  # of one file: they take milliseconds, and the machine may be busy
MEMORY = 3 << 30

Seeds = dict[str, list[bytes]]  # by kind: "h5", "keras", "tflite", "onnx", "contract"


@dataclass
class Account:
    """What came of the files.

    Attributes:
        counts: by entry point and outcome.
        wrong: entry point, kind, number and what was wrong.
        peak: bytes that the reading children's peak rose above that of a child which has read nothing.
        longest: seconds, with entry point, kind and number.
    """

    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    peak: dict[str, int] = field(default_factory=dict)
    longest: dict[str, tuple[float, str]] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [
            f"{entry:<12} {kind:<9} {outcome:<32} {n}" for (entry, kind, outcome), n in sorted(self.counts.items())
        ]
        lines += [f"{entry:<12} peak +{self.peak[entry] / 1e6:.0f} MB, longest {t:.2f} s ({what})"
                  for entry, (t, what) in sorted(self.longest.items())]  # fmt: skip
        return "\n".join([*lines, *self.wrong])


class Campaign:
    """Mutants of some seeds, tried.

    Args:
        folder: to work in; nothing may be written elsewhere.
        environment: for children, besides what they need here.
    """

    def __init__(self, seeds: Seeds, folder: Path) -> None:
        self._seeds, self._folder = seeds, folder
        self.outside, self.canary = folder / "outside.h5", folder / "canary"
        (folder / "in").mkdir()
        (folder / "home").mkdir()
        self.outside.write_bytes(seeds["h5"][0])
        self._bait = trees.Bait(str(self.canary))
        self.account = Account()
        self._workers: dict[str, Worker] = {}
        self._base: dict[str, int] = {}

    def __enter__(self) -> Campaign:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers.values():
            worker.close()

    def mutant(self, kind: str, number: int) -> bytes:
        """File `number` of a kind: the same bytes every time."""
        rng = random.Random(f"{kind} {number}")
        seeds = self._seeds[kind]
        data = rng.choice(seeds)
        make: dict[str, tuple[tuple[float, Callable[[], bytes]], ...]] = {
            "h5": (
                (0.25, lambda: groups.architecture(data, self._bait, rng)),
                (0.05, lambda: groups.contract(data, self._bait, rng)),
                (0.3, lambda: groups.change(data, str(self.outside), rng)),
            ),
            "keras": ((0.75, lambda: archives.change(data, str(self.outside), self._bait, rng)),),
            "tflite": ((0.6, lambda: models.tflite(data, rng)),),
            "onnx": ((0.6, lambda: models.onnx(data, rng)),),
            "contract": ((0.75, lambda: json.dumps(trees.change(json.loads(data), self._bait, rng)).encode()),),
        }
        draw = rng.random()
        for share, act in make[kind]:
            if draw < share:
                try:
                    return act()
                except Exception:
                    break  # what a library will not write is left to damage in bytes
            draw -= share
        return raw.change(data, rng.choice(seeds), rng)

    def mutants(self, kind: str, count: int, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """Files `start` on."""
        for number in range(start, start + count):
            yield number, self.mutant(kind, number)

    def checkpoints(self, kind: str, count: int, loads: int) -> None:
        """Read `count` checkpoints, and load as many as `loads` of those that can be read."""
        for number, data in self.mutants(kind, count):
            loads -= self.checkpoint(kind, number, data, load=loads > 0)

    def checkpoint(self, kind: str, number: int, data: bytes, *, load: bool) -> bool:
        """Read a checkpoint, and load it if it can be read; whether it was loaded."""
        path = self._write(data, kind)
        load = self.try_("read", kind, number, "checkpoint", path=path) == "read" and load
        if load:
            self.try_("load", kind, number, "load", path=path)
        return load

    def baited(self, kind: str) -> Iterator[bytes]:
        """A good checkpoint with each bait in each place where Keras builds what it reads."""
        data = self._seeds[kind][0]
        for bait in self._bait.objects:
            for place in ("layer", "activation", "initializer", "argument"):
                yield from self._with_bait(kind, data, bait, place)

    @staticmethod
    def _with_bait(kind: str, data: bytes, bait: Any, place: str) -> Iterator[bytes]:
        def edit(architecture: Any) -> Any:
            layers = architecture["config"]["layers"]
            last = layers[-1]
            if place == "layer":
                # In the place of a layer that others feed, so that it is built.
                config = bait["config"] if isinstance(bait.get("config"), dict) else {}
                layers[-1] = {**last, **bait, "config": {**config, "name": last["config"]["name"]}}
                if not isinstance(bait.get("config"), dict):
                    layers[-1]["config"] = bait.get("config")
            elif place == "argument":
                last["config"]["name"] = bait
            else:
                last["config"]["activation" if place == "activation" else "kernel_initializer"] = bait
            return architecture

        yield groups.edited(data, edit) if kind == "h5" else archives.edited(data, edit)

    def artifacts(self, kind: str, count: int, kernels: tuple[str, ...]) -> None:
        """Read `count` .tflite or .onnx files, and run those that can be read."""
        for number, data in self.mutants(kind, count):
            path = self._write(data, kind)
            if self.try_("summary", kind, number, "artifact", path=path) == "read" and kernels:
                self.try_("run", kind, number, "run", path=path, kernels=kernels[number % len(kernels)])

    def contracts(self, count: int) -> None:
        """Read `count` contracts."""
        for number, data in self.mutants("contract", count):
            self.try_("contract", "contract", number, "contract", text=data.hex())

    def try_(self, entry: str, kind: str, number: int, function: str, **arguments: Any) -> str:
        """Try one file in the child of an entry point; note the outcome and whatever should not have been."""
        worker = self._worker(entry)
        begun, what = time.monotonic(), f"{entry} {kind} {number}"
        try:
            told = worker.call(f"tried:{function}", **arguments)
        except Refused as refusal:
            raise AssertionError(what) from refusal
        except Crashed as crash:
            outcome = {"died": "died", "killed": "died"}.get(crash.kind, crash.kind)
            # The interpreters' own code is not ours, and may die of a file that our reader takes for sound: counted.
            if not (outcome == "died" and entry in ("run", "read")):
                self.account.wrong.append(f"{what}: {crash.reason}\n{crash.log[-1500:]}")
            if outcome == "died":
                self.account.wrong.append(f"note {what}: {crash.reason} {' '.join(crash.log.split())[-200:]}")
            self._warm(entry)
        else:
            outcome = told["outcome"]
            self.account.wrong += [f"{what}: {noted}" for noted in told["noted"]]
            if outcome.startswith("refused "):
                self.account.wrong.append(f"{what}: {outcome}")
                outcome = "refused badly"
            risen = told["peak"] - self._base[entry]
            self.account.peak[entry] = max(risen, self.account.peak.get(entry, 0))
        took = time.monotonic() - begun
        self.account.counts[entry, kind, outcome] += 1
        self.account.longest[entry] = max((took, what), self.account.longest.get(entry, (0.0, "")))
        self.account.peak.setdefault(entry, 0)
        if self.canary.exists():
            self.account.wrong.append(f"{what}: code was run")
            self.canary.unlink()
        return outcome

    def strays(self) -> list[str]:
        """Files that nobody was to write, and changes of the one that nobody was to touch.

        What libraries keep for themselves in a home folder (a list of fonts, Keras's settings, the number by which
        onnxruntime knows a device) is none of a file's doing.
        """
        found = [str(p.relative_to(self._folder)) for p in self._folder.rglob("*") if p.is_file()]
        strays = [name for name in found if not name.startswith(("in/", "tmp/", "home/")) and name != "outside.h5"]
        if self.outside.read_bytes() != self._seeds["h5"][0]:
            strays.append("outside.h5 was changed")
        return strays

    def _worker(self, entry: str) -> Worker:
        if entry not in self._workers:
            (self._folder / "tmp").mkdir(exist_ok=True)
            places = {
                "PYTHONPATH": os.pathsep.join(map(str, (HERE.parents[2], HERE))), "CUDA_VISIBLE_DEVICES": "-1",
                "TMPDIR": str(self._folder / "tmp"), "FUZZ_OUTSIDE": str(self.outside), "FUZZ_CANARY": str(self.canary),
                "HOME": str(self._folder / "home"),
                "PYTHONDONTWRITEBYTECODE": "1",
            }  # fmt: skip
            self._workers[entry] = Worker(environment=places, limits=Limits(bytes=MEMORY))
            self._base[entry] = self._warm(entry)
        return self._workers[entry]

    def _warm(self, entry: str) -> int:
        """Have a child import what it needs before the clock runs and the auditor looks; its peak by then."""
        worker = self._workers[entry]
        worker.within(120.0)
        peak = int(worker.call("tried:warm", load=entry == "load", run=entry == "run"))
        worker.within(SECONDS)
        return peak

    def _write(self, data: bytes, kind: str) -> str:
        path = self._folder / "in" / f"mutant.{kind}"
        path.write_bytes(data)
        return str(path)
