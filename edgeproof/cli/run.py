"""Answer for raw samples: pictures, .wav sounds, texts, .csv series, or .npy arrays.

One line a sample: its name, the answer, the probability, the runners-up. A model that recommends takes titles, "A | B",
and names others. A model that writes takes the beginning of a text and goes on with it. A step file takes
whole sequences, (time, ...), and steps through each from the start. With --windows a longer recording is answered
window by window.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeproof.cli import kernels_argument, load, positive

if TYPE_CHECKING:
    from edgeproof.runner import Model, Prediction


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help=".tflite or .onnx file")
    parser.add_argument(
        "inputs", nargs="+", metavar="INPUT", help="picture, .wav, .txt, .csv or .npy file, or a text itself"
    )
    parser.add_argument("--top", type=positive, default=3, help="how many classes to show (default 3)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, with the outputs")
    parser.add_argument(
        "--windows", type=float, metavar="SECONDS", help="answer window by window, so many seconds apart"
    )
    writing = parser.add_argument_group("of a model that writes")
    writing.add_argument("--length", type=positive, default=200, help="tokens to write (default 200)")
    writing.add_argument("--temperature", type=float, default=0.8, help="0: the likeliest always (default 0.8)")
    writing.add_argument("--top-k", type=int, default=0, help="draw from so many of the likeliest (default: all)")
    writing.add_argument("--top-p", type=float, default=1.0, help="draw from this share of probability (default 1)")
    writing.add_argument("--seed", type=int, default=0, help="of the draws (default 0)")
    kernels_argument(parser)


def act(args: argparse.Namespace) -> int:
    model = load(args)
    if model.contract is None:
        ends = ", ".join(f'"{p.name}" {p.shape} {p.dtype}' for p in model.session.inputs)
        print(
            f"edgeproof: {args.file} carries no contract, so there is no preprocessing and no label: inputs are "
            f"taken as they are ({ends}) and outputs are shown as numbers.",
            file=sys.stderr,
        )
    if model.contract and model.contract.decode.kind == "write" and args.windows is None:
        return _write(model, args)
    for path in args.inputs:
        if args.windows is None:
            _tell(model, args, path, model.predict(path), {})
            continue
        from edgeproof import windows  # seldom needed

        for begin, end, prediction in windows.answers(model, path, args.windows):
            _tell(model, args, f"{path}, {begin:.2f} to {end:.2f} s", prediction, {"begin": begin, "end": end})
    return 0


def _tell(model: Model, args: argparse.Namespace, name: str, prediction: Prediction, when: dict[str, float]) -> None:
    """Print the answer for a sample."""
    if args.json:
        print(
            json.dumps(
                {
                    "input": name,
                    **when,
                    "label": prediction.label,
                    "ranking": prediction.ranking[: args.top],
                    **({"items": prediction.items[: args.top]} if prediction.items else {}),
                    "outputs": {k: v.tolist() for k, v in prediction.outputs.items()},
                }
            )
        )
    elif prediction.ranking:
        (label, p), *others = prediction.ranking[: args.top]
        rest = ", ".join(f"{other} {q:.1%}" for other, q in others)
        print(f"{name}: {label}  {p:.1%}" + (f"  (then {rest})" if rest else ""))
    elif prediction.items:
        print(f"{name}: " + " | ".join(prediction.items[: args.top]))
    elif prediction.steps:
        print(f"{name}: {prediction.label}")
    elif model.contract and model.contract.decode.kind == "forecast":
        print(f"{name}, what comes next:\n{_table(model, prediction.outputs[model.contract.decode.output])}")
    else:
        values = "; ".join(_describe(k, v) for k, v in prediction.outputs.items())
        print(f"{name}: " + (f"{prediction.label}  " if prediction.label else "") + values)


def _write(model: Model, args: argparse.Namespace) -> int:
    """A beginning and what the model writes after it."""
    # Neither is needed to tell what the commands are, or to answer for a picture.
    from edgeproof.decode.write import Taste
    from edgeproof.frontend import files

    taste, how = Taste(args.temperature, args.top_k, args.top_p), model.frontend(model.inputs[0].name)
    for begun in args.inputs:
        prompt = str(files.typed_text(begun, how))
        pieces = itertools.islice(model.write(prompt, taste, seed=args.seed), args.length)
        if args.json:
            print(json.dumps({"input": begun, "text": "".join(pieces)}))
            continue
        print(prompt, end="", flush=True)
        for piece in pieces:
            print(piece, end="", flush=True)
        print()
    return 0


def _table(model: Model, rows: np.ndarray) -> str:
    """A forecast as a .csv file has it, a line a time step, under the names of the series' columns."""
    names = model.frontend(model.inputs[0].name).stated("names") or range(rows.shape[-1])
    return "\n".join([",".join(map(str, names)), *(",".join(f"{value:.5g}" for value in row) for row in rows)])


def _describe(name: str, value: Any) -> str:
    flat = np.asarray(value).ravel()
    if flat.size == 1:
        return f"{name} {flat[0]:.4g}"
    shown = " ".join(f"{x:.4g}" for x in flat[:10])
    return f"{name} {np.shape(value)} = {shown}" + (" ..." if flat.size > 10 else "")
