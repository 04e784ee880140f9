"""Time to export a checkpoint in every format, beside the bare converters' own, in one run.

    python benchmarks/export_time.py CHECKPOINT [--rounds N]

Ours is `export.tasks:convert` for every format and precision: convert, quantize with the choices that held-out samples
make, read back, rank the layers, put the contract in. The converters' is the same list, each by the tool that others
call: `tf.saved_model.save`, freezing, `tf.lite.TFLiteConverter` once a precision, tf2onnx with onnxruntime's float16
and static quantization. Both run in a child that has TensorFlow loaded and has made one conversion; loading the
checkpoint counts for both. Medians of rounds in turn.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from edgeproof import samples
from export import arrays, formats, subject
from export.checkpoint import Opening, find
from export.quantize.plan import DEFAULT
from export.worker import Worker

TARGET = 1.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    opening = Opening(find(args.checkpoint))
    pairs = formats.parse([])
    ours: list[float] = []
    theirs: list[float] = []
    with Worker() as reader, tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        facts = reader.call("export.checkpoint:read", path=str(opening))
        described = reader.call("export.tasks:describe", checkpoint=str(opening))
        contract = subject.contract_of(opening.path, facts, described)
        given = samples.load(opening.path.parent / "samples.npz", [t.name for t in contract.graph().inputs])
        calibration = scratch / "calibration.npz"
        arrays.write(calibration, subject.tensors(contract, given.calibration, given.source))
        for _ in range(args.rounds):
            with Worker() as child:
                child.call("benchmarks.other_tools:warm", out=str(scratch / "warm"))
                start = time.perf_counter()
                for i, (kind, precision) in enumerate(pairs):
                    child.call(
                        "export.tasks:convert", checkpoint=str(opening), calibration=str(calibration), format=kind,
                        precision=precision, path=str(scratch / f"{len(ours)}-{i}{formats.load(kind).suffix}"),
                        contract=contract.to_json(), plan=DEFAULT.to_dict(),
                    )  # fmt: skip
                ours.append(time.perf_counter() - start)
            with Worker() as child:
                child.call("benchmarks.other_tools:warm", out=str(scratch / "warm"))
                start = time.perf_counter()
                child.call(
                    "benchmarks.other_tools:everything",
                    checkpoint=str(opening.path), calibration=str(calibration), out=str(scratch / f"bare{len(ours)}"),
                )  # fmt: skip
                theirs.append(time.perf_counter() - start)
    a, b = float(np.median(ours)), float(np.median(theirs))
    print(f"{len(pairs)} artifacts of {args.checkpoint}, medians of {args.rounds} rounds in turn")
    print(f"  bare converters  {b:6.2f} s  1.00")
    print(f"  Edgeproof        {a:6.2f} s  {a / b:.2f}  (aim: at most {TARGET})")


if __name__ == "__main__":
    main()
