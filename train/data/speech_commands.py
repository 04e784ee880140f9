"""Speech Commands in its makers' layout: a folder a word, WORD/SPEAKER_nohash_N.wav, 16,000 samples a second.

Warden 2018, "Speech commands: a dataset for limited-vocabulary speech recognition". Beside the words' folders lie
`validation_list.txt` and `testing_list.txt`, which name the recordings of these splits, and `_background_noise_`, long
recordings of no words. Where there are no lists, the makers' own rule says which split a speaker is in.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from edgeproof.errors import Refused
from edgeproof.frontend import files, sound
from train.data import Dataset, Split, skipping

RATE, LENGTH = 16000, 16000
WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
UNKNOWN, SILENCE = "unknown", "silence"
NOISE = "_background_noise_"
LISTS = {"validation": "validation_list.txt", "test": "testing_list.txt"}
LAYOUT = "pass the folder that holds a folder for each word, validation_list.txt, testing_list.txt and " + NOISE
_NAME = re.compile(r"(?P<speaker>[0-9A-Za-z]+)_nohash_\d+")
_BUCKETS = 2**27 - 1
_PARTS = {"train": (0.0, 0.8), "validation": (0.8, 0.9), "test": (0.9, 1.0)}  # of each recording of noise

Recordings = dict[str, list[Path]]


def load(directory: Path | None = None) -> Dataset:
    """The makers' task of twelve classes: ten words, "unknown", which is any other word, and "silence", noise.

    In each split there are as many of the last two as of a word in the mean: unknown ones drawn from the recordings of
    all other words; seconds at random places of the noise, at random levels, the splits in parts of their own of each
    recording (80%, 10%, 10%). Always the same ones.

    Raises:
        Refused: no folder, or one without a recording of one of these words, or noise; files that are not what they
            are called.
    """
    found = recordings("speech_commands", directory)
    missing = [word for word in WORDS if not found.get(word)]
    others = sorted(path for word, paths in found.items() if word not in WORDS for path in paths)
    if missing or not others:
        raise Refused(
            "speech_commands: the folder must hold recordings of the ten words and of others.",
            received=f"none of {', '.join(missing) or 'any other word'} in {directory}",
            fix=f"{LAYOUT}; or take the words that there are as they are, --data speech_commands_words",
        )
    assert directory is not None
    where, noise = splits(directory), _noise(directory)
    chosen = {word: found[word] for word in WORDS}
    parts = {}
    for number, name in enumerate(_PARTS):
        rng = np.random.default_rng([2018, number])
        own = [path for path in others if where(path) == name]
        each = round(sum(where(path) == name for paths in chosen.values() for path in paths) / len(WORDS))
        drawn = sorted(rng.permutation(len(own))[:each])
        sounds, labels = _read({**chosen, UNKNOWN: [own[i] for i in drawn]}, where, name)
        quiet = _seconds(noise, each, name, rng)
        silent = np.full(each, len(WORDS) + 1)
        parts[name] = Split({"features": np.concatenate([sounds, quiet])}, np.concatenate([labels, silent]))
    said = "ten words, others and noise"
    return _dataset("speech_commands", parts, (*WORDS, UNKNOWN, SILENCE), said)


def recordings(name: str, directory: Path | None) -> Recordings:
    """The recordings in each folder of a word, both in the order of their names.

    Raises:
        Refused: no folder, or nothing such in it, or a recording that is called otherwise.
    """
    if directory is None:
        raise Refused(f"{name}: the recordings must be given.", received="no --data-dir", fix=LAYOUT)
    found: Recordings = {}
    for folder in sorted(directory.iterdir()) if directory.is_dir() else []:
        if not folder.is_dir() or folder.name.startswith(("_", ".")):
            continue
        for path in sorted(folder.glob("*.wav")):
            if _NAME.fullmatch(path.stem):
                found.setdefault(folder.name, []).append(path)
            else:
                skipping.bad(
                    f"{name}: each recording must be called SPEAKER_nohash_N.wav.",
                    received=str(path),
                    fix="move other files away",
                )
    if not found:
        raise Refused(
            f"{name}: the folder must hold a folder with .wav files for each word.", received=str(directory), fix=LAYOUT
        )
    return found


def splits(directory: Path) -> Callable[[Path], str]:
    """From a recording to the name of its split: that of the list which names it, else by its speaker (`by_speaker`).

    Raises:
        Refused: one list without the other, a line in one that names no recording, or a recording in both.
    """
    there = [name for name, file in LISTS.items() if (directory / file).is_file()]
    if not there:
        return lambda path: by_speaker(path.stem)
    if len(there) < len(LISTS):
        raise Refused(
            "speech_commands: the lists of both splits must be there, or none.",
            received=f"{LISTS[there[0]]} alone in {directory}",
            fix="take both from the makers' archive, or move the one away: speakers are then split by the makers' rule",
        )
    listed: dict[str, str] = {}
    for name, file in LISTS.items():
        for number, line in enumerate(str(files.read_text(directory / file)).splitlines(), start=1):
            entry, at = line.strip(), f"{directory / file}, line {number}: {line.strip()[:80]}"
            if not entry:
                continue
            if listed.get(entry, name) != name:
                raise Refused(
                    "speech_commands: no recording may be in both lists.", received=at, fix="correct the lists"
                )
            if entry.count("/") != 1 or entry.startswith((".", "/")) or not (directory / entry).is_file():
                skipping.bad(
                    "speech_commands: each line of a list must name a recording, WORD/SPEAKER_nohash_N.wav.",
                    received=at,
                    fix="correct the list",
                )
                continue
            listed[entry] = name
    return lambda path: listed.get(f"{path.parent.name}/{path.name}", "train")


def by_speaker(stem: str) -> str:
    """The makers' rule, in their README's `which_set` with a tenth for each: the SHA-1 of what stands before "_nohash_"
    says which of 2^27 equal parts a speaker is in, however many recordings come later."""
    speaker = re.sub(r"_nohash_.*$", "", stem)
    percent = int(hashlib.sha1(speaker.encode()).hexdigest(), 16) % (_BUCKETS + 1) * (100.0 / _BUCKETS)
    return "validation" if percent < 10 else "test" if percent < 20 else "train"


def words(name: str, directory: Path | None) -> Dataset:
    """Every folder of a word a class.

    Raises:
        Refused: as `load`, but for the words.
    """
    found = recordings(name, directory)
    assert directory is not None
    where = splits(directory)
    parts = {}
    for split in _PARTS:
        sounds, labels = _read(found, where, split)
        parts[split] = Split({"features": sounds}, labels)
    return _dataset(name, parts, tuple(found), f"{len(found)} words")


def _dataset(name: str, parts: Mapping[str, Split], labels: tuple[str, ...], said: str) -> Dataset:
    n = sum(map(len, parts.values()))
    return Dataset(
        name=name,
        title=f"Speech Commands: {n:,} real seconds, {said}, 16 kHz; the test set's speakers are in no other split",
        licence="CC BY 4.0",
        synthetic=False,
        train=parts["train"],
        validation=parts["validation"],
        test=parts["test"],
        labels=labels,
        rate=RATE,
    )


def _read(classes: Recordings, where: Callable[[Path], str], split: str) -> tuple[np.ndarray, np.ndarray]:
    """The middle second of each recording of a split, (n, 16000) int16, and its class, (n,)."""
    paths = [(path, label) for label, own in enumerate(classes.values()) for path in own if where(path) == split]
    sounds, labels = np.empty((len(paths), LENGTH), np.int16), list[int]()
    for path, label in paths:
        try:
            sounds[len(labels)] = sound.middle(files.read_sound(path, RATE)[None], LENGTH)[0]
        except Refused as error:
            skipping.bad(error.rule, received=error.received, fix=error.fix)
            continue
        labels.append(label)
    return sounds[: len(labels)], np.array(labels, np.int64)


def _noise(directory: Path) -> list[np.ndarray]:
    found = []
    for path in sorted((directory / NOISE).glob("*.wav")):
        noise = files.read_sound(path, RATE)
        if len(noise) < 10 * LENGTH:  # a tenth of it must be a second
            skipping.bad(
                "speech_commands: each recording of noise must be ten seconds long at least.",
                received=f"{path}: {len(noise) / RATE:g} seconds",
                fix="move it away",
            )
            continue
        found.append(noise)
    if not found:
        raise Refused(
            f"speech_commands: {NOISE} must hold recordings of noise, for the class of silence.",
            received=f"none in {directory / NOISE}",
            fix=f"{LAYOUT}; or take the words alone, --data speech_commands_words",
        )
    return found


def _seconds(noise: list[np.ndarray], n: int, split: str, rng: np.random.Generator) -> np.ndarray:
    """Seconds at random places of a split's part of recordings, at random levels, (n, 16000) int16."""
    out = np.empty((n, LENGTH), np.int16)
    for row in out:
        own = noise[rng.integers(len(noise))]
        low, high = (int(share * len(own)) for share in _PARTS[split])
        start = int(rng.integers(low, max(low, high - LENGTH) + 1))
        row[:] = np.rint(own[start : start + LENGTH] * rng.uniform(0, 1))
    return out
