"""Show what a file is: graph, operators, precision as its bytes have it, sizes, contract."""

from __future__ import annotations

import argparse
import dataclasses
import json

from edgeproof import formats
from edgeproof.contract import Contract


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help=".tflite or .onnx file")
    parser.add_argument("--contract", action="store_true", help="print the whole contract as JSON, and nothing else")
    parser.add_argument("--tensors", action="store_true", help="list every tensor")


def act(args: argparse.Namespace) -> int:
    summary = formats.read(args.file)
    contract = summary.contract
    if args.contract:
        print(contract.to_json(indent=2) if contract else "null")
        return 0
    precision, floats = formats.precision(summary)
    print(f"{args.file}: {summary.schema}, {summary.bytes:,} bytes, of them weights {summary.weight_bytes:,}")
    print(f"precision   {precision}" + (f" (of another precision: {', '.join(floats)})" if floats else ""))
    if contract and contract.artifact and contract.artifact.precision != precision:
        print(f"            but its contract says {contract.artifact.precision}")
    # A signature's names are those that people gave; the tensors' own come from the converter.
    names = {i: name for ends in summary.signatures.values() for side in ends.values() for name, i in side.items()}
    for word, ends in (("input", summary.inputs), ("output", summary.outputs)):
        for index in ends:
            tensor = summary.tensors[index]
            print(f"{word:<11} {_tensor(dataclasses.replace(tensor, name=names.get(index, tensor.name)))}")
    counts = ", ".join(f"{name} x{n}" if n > 1 else name for name, n in summary.operator_counts.items())
    print(f"operators   {len(summary.operators)}: {counts}")
    if not summary.aligned:
        print("alignment   weights do not start on 16-byte boundaries: copy the file to RAM before use on a device")
    if args.tensors:
        for tensor in summary.tensors:
            print(
                f"  {_tensor(tensor)}{'  constant, ' + format(tensor.bytes, ',') + ' bytes' if tensor.constant else ''}"
            )
    _show(contract)
    return 0


def _tensor(tensor: formats.TensorInfo) -> str:
    shape = "x".join("?" if side is None else str(side) for side in tensor.shape) or "scalar"
    if not tensor.scale:
        quantized = ""
    elif len(tensor.scale) > 1:
        quantized = f", {len(tensor.scale)} scales on axis {tensor.axis}"
    else:
        quantized = f", (q - {tensor.zero_point[0]}) * {tensor.scale[0]:.6g}"
    return f"{tensor.name}  {shape} {tensor.dtype}{quantized}"


def _show(contract: Contract | None) -> None:
    if contract is None:
        print(
            "contract    none: the file does not say how a raw sample becomes its input, nor what its outputs mean.\n"
            "            It runs on .npy arrays; export it with Edgeproof to have it explain itself."
        )
        return
    print(
        f"contract    version {contract.version}: {contract.name}" + (f", {contract.title}" if contract.title else "")
    )
    stream = contract.graph().stream
    if stream:
        states = ", ".join(state.input for state in stream.states) or "none"
        beside = f"; constants {', '.join(stream.constants)}" if stream.constants else ""
        most = f"; at most {stream.longest} steps" if stream.longest else ""
        print(f"stream      a step takes {stream.hop} of the sequence's time steps; states {states}{beside}{most}")
    for frontend in contract.frontends:
        steps = ", ".join(_step(step) for step in frontend.steps) or "as it is"
        print(f"frontend    {frontend.input}: {frontend.kind}, {steps}")
    labels = " ".join(contract.labels[:12]) + (" ..." if len(contract.labels) > 12 else "")
    print(f"decode      {contract.decode.kind} {contract.decode.output}" + (f": {labels}" if labels else ""))
    if contract.score:
        s = contract.score
        print(
            f"checkpoint  {s.metric} {s.value:.2%} (95% {s.interval[0]:.2%} to {s.interval[1]:.2%}), "
            f"n = {s.n}, {s.data} {s.split}"
        )
    p = contract.provenance
    print(
        f"provenance  recipe {p.recipe or 'none'}, checkpoint {p.checkpoint_sha256[:12] or 'unknown'}, "
        f"{len(p.calibration)} calibration samples, " + ", ".join(f"{k} {v}" for k, v in p.versions.items())
    )
    if contract.artifact and contract.artifact.quantization:
        print(f"quantized   {json.dumps(contract.artifact.quantization, sort_keys=True)}")


def _step(step: dict[str, object]) -> str:
    return f"{step.get('op')}({', '.join(f'{key} {_value(value)}' for key, value in step.items() if key != 'op')})"


def _value(value: object) -> str:
    """An argument of a step; of a long one, such as a vocabulary, how long it is."""
    if isinstance(value, (str, list)) and len(value) > 12:
        return f"of {len(value):,}"
    return f"{value:g}" if isinstance(value, float) else str(value)
