"""Words in a long stream, told by an int8 file: python benchmarks/keyword_stream.py DIR FILE.tflite [--minutes 10]

DIR holds the Free Spoken Digits, FILE is keyword trained and exported on them (`python -m train keyword --data
fsdd_stream --data-dir DIR`, `python -m export`). The stream with words joins recordings of the test split, 1 to 3
seconds apart, in white noise 40 dB below the loudest sample; the time of each word is known. The streams without words
are silence, noise whose level changes, white and pink, and the same recordings played backwards, which no one said.
Over each the runner slides windows and tells words; printed are, for each threshold, the false accepts an hour and the
share of words that were not told (false rejects). A detection counts for a word where its time lies at most 0.3 s
outside it.

A network trained on `fsdd` instead has no class for what is no word, and has heard words in the middle alone: what that
costs can be read here too. One trained on `fsdd_stream` has heard words of its training split backwards and such noise.

With `--stream marvin` DIR holds one recording of "marvin", a stream of ten seconds into which three others were mixed,
and `..._spec.json`, which says when; FILE is keyword trained on `wakeword`, that one recording. Three words prove that
the pipeline runs from one utterance to another voice's, and no rate. `--digits FSDD` adds what no marvin is: the stream
of digits above, at 16 kHz, and noise and silence, where false accepts an hour can be counted.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

import edgeproof
from edgeproof import windows
from edgeproof.decode.classes import probabilities
from edgeproof.detection import Detection, Detector, judged
from edgeproof.frontend import files
from edgeproof.runner import Model
from train.data import fsdd, wakeword
from train.data.fsdd_stream import NOTHING

THRESHOLDS = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)
LOW = (0.05, 0.1, 0.2, 0.3)  # where one utterance is all that was learned from
SLACK = 0.3
Words = list[tuple[float, float, int]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, help="folder of the Free Spoken Digits, or of the wake word")
    parser.add_argument("file", help="int8 file of keyword, trained on them")
    parser.add_argument("--stream", choices=("digits", "marvin"), default="digits", help="which (default digits)")
    parser.add_argument("--digits", type=Path, help="folder of the Free Spoken Digits, with --stream marvin")
    parser.add_argument("--minutes", type=float, default=10, help="of each made stream (default 10)")
    parser.add_argument("--hop", type=float, default=0.1, help="seconds from window to window (default 0.1)")
    parser.add_argument("--smooth", type=int, default=3, help="windows a mean (default 3)")
    parser.add_argument("--refractory", type=float, default=1.0, help="seconds of rest after a word (default 1)")
    args = parser.parse_args()
    model, rng = edgeproof.load(args.file), np.random.default_rng(2014)
    marvin = args.stream == "marvin"
    made = made_streams(args.digits if marvin else args.directory, args.minutes, rng, words=not marvin)
    if marvin:
        upper = {name: (wakeword.resampled(sound, 2 * len(sound)), words) for name, (sound, words) in made.items()}
        made = {
            "stream": mixed(args.directory),
            **{name: (whole(sound), words) for name, (sound, words) in upper.items()},
        }
    said = next(iter(made.values()))[1]
    assert model.contract is not None
    rate = float(model.frontend(model.inputs[0].name).stated("rate"))
    long = ", ".join(f"{len(sound) / rate / 60:.3g} minutes of {name}" for name, (sound, _) in made.items())
    print(
        f"{args.file} over {long}; windows {args.hop:g} s apart, means of {args.smooth}, "
        f"{args.refractory:g} s of rest; {len(said)} words"
    )
    print("| threshold | " + " | ".join(f"false accepts an hour, {name}" for name in made) + " | false rejects |")
    print("| --- |" + " --- |" * (len(made) + 1))
    rows = {name: answers(model, stream, args.hop) for name, (stream, _) in made.items()}
    silent = [i for i, label in enumerate(model.contract.labels) if label == NOTHING]
    for threshold in (*LOW, *THRESHOLDS) if marvin else THRESHOLDS:
        how = {"threshold": threshold, "smooth": args.smooth, "refractory": args.refractory}
        counts = {
            name: judged(told(rows[name], Detector(**how, silent=silent)), words, SLACK)
            for name, (_, words) in made.items()
        }
        accepts = " | ".join(
            f"{counts[name].accepted / (len(stream) / rate / 3600):.0f}" for name, (stream, _) in made.items()
        )
        missed = next(iter(counts.values())).rejected
        print(f"| {threshold:g} | {accepts} | {missed} of {len(said)}, {missed / len(said):.1%} |", flush=True)


def made_streams(
    directory: Path | None, minutes: float, rng: np.random.Generator, *, words: bool
) -> dict[str, tuple[np.ndarray, Words]]:
    """Streams at 8 kHz: of digits, with the times of these where they are the words to tell, and of none."""
    if directory is None:
        return {}
    length = round(minutes * 60 * fsdd.RATE)
    pieces = [
        (files.read_sound(path, fsdd.RATE), digit)
        for path, (digit, speaker, index) in fsdd.recordings(directory)
        if fsdd.makers(speaker, index) == "test"
    ]
    sound, said = joined(pieces, length, rng)
    backwards, _ = joined([(piece[::-1], digit) for piece, digit in pieces], length, rng)
    return {
        "words" if words else "digits": (sound, said if words else []),
        "silence": (np.zeros(length, np.int16), []),
        "noise": (noise(length, rng), []),
        "words played backwards": (backwards, []),
    }


def mixed(directory: Path) -> tuple[np.ndarray, Words]:
    """The makers' stream, and when each second with the word begins and ends."""
    (path,) = directory.glob("*_spec.json")
    spec = json.loads(path.read_text())
    starts = [float(start) for _, start, _ in spec["configs_wakeword"]]
    sound = files.read_sound(path.with_name(path.name.replace("_spec.json", ".wav")), wakeword.RATE)
    return sound, [(start, start + 1.0, 0) for start in starts]


def joined(pieces: list[tuple[np.ndarray, int]], length: int, rng: np.random.Generator) -> tuple[np.ndarray, Words]:
    """A stream of so many samples, int16, and begin, end and class of each word in it, in seconds.

    Each piece comes once before any comes again.
    """
    stream, said, at = np.zeros(length), [], 0
    order: list[int] = []
    while True:
        order = order or list(rng.permutation(len(pieces)))
        sound, digit = pieces[order.pop()]
        at += round(rng.uniform(1, 3) * fsdd.RATE)
        if at + len(sound) + fsdd.RATE > length:
            break
        stream[at : at + len(sound)] = sound
        said.append((at / fsdd.RATE, (at + len(sound)) / fsdd.RATE, digit))
        at += len(sound)
    loudest = np.abs(stream).max()
    stream += loudest / 100 * rng.standard_normal(length)
    return whole(stream), said


def noise(length: int, rng: np.random.Generator) -> np.ndarray:
    """White noise, then as much pink noise, each at a new level, -60 to -10 dB, every ten seconds: int16."""
    white = rng.standard_normal(length)
    spectrum = np.fft.rfft(white)
    pink = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), length)
    both = np.concatenate([white[: length // 2] / white.std(), pink[length // 2 :] / pink.std()])
    levels = 10 ** (rng.uniform(-60, -10, length // (10 * fsdd.RATE) + 1) / 20)
    return whole(32768 * both * np.repeat(levels, 10 * fsdd.RATE)[:length])


def whole(sound: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(sound, -32768, 32767)).astype(np.int16)


def answers(model: Model, stream: np.ndarray, hop: float) -> list[tuple[float, np.ndarray]]:
    """The middle of each window, and the classes' probabilities: once for all thresholds."""
    assert model.contract is not None
    decode = model.contract.decode
    return [
        ((begin + end) / 2, probabilities(prediction.outputs[decode.output].reshape(-1), decode))
        for begin, end, prediction in windows.answers(model, stream, hop)
    ]


def told(rows: list[tuple[float, np.ndarray]], detector: Detector) -> list[Detection]:
    return [found for time, row in rows if (found := detector.hear(time, row))]


if __name__ == "__main__":
    main()
