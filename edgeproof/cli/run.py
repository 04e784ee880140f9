"""Answer for raw samples: pictures, .wav sounds, texts, .csv series, or .npy arrays.

One line a sample: its name, the answer, the probability, the runners-up. A model that recommends takes titles, "A | B",
and names others. A model that writes takes the beginning of a text or a score (.mid) and goes on with it; --write keeps
the whole, of a score with its piano roll beside it. A folder that holds the parts of a system is run as the whole. A
step file takes whole sequences, (time, ...), and steps through each from the start.
With --windows a longer recording is answered window by window; with --detect as well, only the words in it are told,
and when each was said.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeproof import quiet
from edgeproof.cli import kernels_argument, load, positive
from edgeproof.errors import Refused

if TYPE_CHECKING:
    from edgeproof.decode.write import Taste
    from edgeproof.folding import Folded
    from edgeproof.runner import Model, Prediction
    from edgeproof.system import System


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help=".tflite or .onnx file, or a folder with the parts of a system")
    parser.add_argument(
        "inputs", nargs="+", metavar="INPUT", help="picture, .wav, .txt, .csv, .mid or .npy file, or a text itself"
    )
    parser.add_argument("--top", type=positive, default=3, help="how many classes to show (default 3)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, with the outputs")
    parser.add_argument(
        "--parts", default="", metavar="FORMAT:PRECISION", help="of a folder: which of its files, as in tflite:int8"
    )
    parser.add_argument(
        "--beam", type=positive, default=1, help="of a model that answers or transcribes: hypotheses kept (default 1)"
    )
    parser.add_argument(
        "--windows", type=float, metavar="SECONDS", help="answer window by window, so many seconds apart"
    )
    hearing = parser.add_argument_group("of words in a long recording, with --windows")
    hearing.add_argument("--detect", type=float, metavar="P", help="tell words of more than this mean probability")
    hearing.add_argument("--smooth", type=positive, default=3, help="windows a mean (default 3)")
    hearing.add_argument("--refractory", type=float, default=1.0, help="seconds of rest after a word (default 1)")
    hearing.add_argument(
        "--silent", action="append", default=[], metavar="LABEL", help="a class that is no word, never told; repeatable"
    )
    writing = parser.add_argument_group("of a model that writes")
    writing.add_argument("--write", metavar="FILE", help="write beginning and rest there: .mid with .png, or text")
    writing.add_argument("--length", type=positive, help="tokens to write (default 200), of a score time steps (64)")
    writing.add_argument("--temperature", type=float, help="0: the likeliest always (default 0.8, of an answer 0)")
    writing.add_argument("--top-k", type=int, default=0, help="draw from so many of the likeliest (default: all)")
    writing.add_argument("--top-p", type=float, default=1.0, help="draw from this share of probability (default 1)")
    writing.add_argument("--seed", type=int, default=0, help="of the draws (default 0)")
    kernels_argument(parser)


def act(args: argparse.Namespace) -> int:
    if args.detect is not None and args.windows is None:
        raise Refused(
            "detect: words are told from windows that slide over a recording.",
            received="--detect without --windows",
            fix="--windows 0.1",
        )
    if args.write is not None and len(args.inputs) > 1:
        raise Refused(
            "write: one file holds one answer.", received=f"{len(args.inputs)} inputs", fix="pass one, or no --write"
        )
    model: Any = _system(args) if os.path.isdir(args.file) else load(args)
    kind = model.contract.decode.kind if not hasattr(model, "read") and model.contract else ""
    if args.write is not None and (kind != "write" or args.windows is not None):
        raise Refused(
            "write: the file must hold a model that writes.",
            received=f'outputs decoded as "{kind}"' if kind else "no such model",
            fix="leave --write out",
        )
    if hasattr(model, "read"):
        return _fold(model, args)
    if model.contract is None:
        ends = ", ".join(f'"{p.name}" {p.shape} {p.dtype}' for p in model.session.inputs)
        print(
            f"edgeproof: {args.file} carries no contract, so there is no preprocessing and no label: inputs are "
            f"taken as they are ({ends}) and outputs are shown as numbers.",
            file=sys.stderr,
        )
    if kind == "write" and args.windows is None:
        if model.frontend(model.inputs[0].name).kind == "score":
            from edgeproof.cli import composing  # seldom needed

            return composing.act(model, args, _taste(args, 0.8))
        return _write(model, args)
    manner = None
    if kind in ("answer", "transcribe"):
        from edgeproof.decode.search import Manner

        manner = Manner(beam=args.beam, taste=_taste(args, 0.0), seed=args.seed)
    for path in args.inputs:
        if args.windows is None:
            _tell(model, args, path, model.predict(path, manner), {})
            continue
        if args.detect is not None:
            _detect(model, args, path)
            continue
        from edgeproof import windows  # seldom needed

        for begin, end, prediction in windows.answers(model, path, args.windows):
            _tell(model, args, f"{path}, {begin:.2f} to {end:.2f} s", prediction, {"begin": begin, "end": end})
    return 0


def _detect(model: Model, args: argparse.Namespace, path: str) -> None:
    """Print the words in a recording."""
    from edgeproof import detection  # seldom needed

    silent = detection.places(model, args.silent)
    detector = detection.Detector(threshold=args.detect, smooth=args.smooth, refractory=args.refractory, silent=silent)
    for each in detection.detections(model, path, args.windows, detector):
        if args.json:
            found = {"input": path, "time": each.time, "label": each.label, "probability": each.probability}
            print(json.dumps(found))
        else:
            print(f"{path}, {each.time:.2f} s: {each.label}  {each.probability:.1%}")


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


def _system(args: argparse.Namespace) -> System | Folded:
    from edgeproof import system

    with quiet.without(b"INFO: Created TensorFlow Lite XNNPACK delegate"):
        return system.load(args.file, parts=args.parts, kernels=args.kernels, threads=args.threads)


def _taste(args: argparse.Namespace, usual: float) -> Taste:
    from edgeproof.decode.write import Taste

    return Taste(usual if args.temperature is None else args.temperature, args.top_k, args.top_p)


def _fold(model: Folded, args: argparse.Namespace) -> int:
    """Sentences read along their trees: the whole, then each phrase of several words, the largest first."""
    for sentence in args.inputs:
        tree, phrases = model.read(sentence)
        if args.json:
            told = [{"words": p.words, "label": p.label, "probability": p.probability} for p in phrases]
            print(json.dumps({"input": sentence, "label": phrases[-1].label, "pairs": tree.pairs, "phrases": told}))
            continue
        print(f"{tree.text()}: {phrases[-1].label}  {phrases[-1].probability:.1%}")
        for phrase in reversed(phrases[len(tree.words) : -1]):
            print(f"  {phrase.words}: {phrase.label}  {phrase.probability:.1%}")
    return 0


def _write(model: Model, args: argparse.Namespace) -> int:
    """A beginning and what the model writes after it."""
    # Not needed to tell what the commands are, or to answer for a picture.
    from edgeproof import atomic
    from edgeproof.frontend import files

    taste, how = _taste(args, 0.8), model.frontend(model.inputs[0].name)
    for begun in args.inputs:
        prompt = str(files.typed_text(begun, how))
        pieces = itertools.islice(model.write(prompt, taste, seed=args.seed), args.length or 200)
        if args.write is not None or args.json:
            written = "".join(pieces)
            if args.write is not None:
                atomic.write_text(args.write, f"{prompt}{written}\n")
            print(json.dumps({"input": begun, "text": written}) if args.json else f"{begun}: {args.write}")
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
