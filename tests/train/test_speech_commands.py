"""Speech Commands' layout, in folders written here: whose split is whose, what the classes are, and what is refused."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgeproof.errors import Refused
from train import data, registry, settings
from train.data import skipping, speech_commands, speech_commands_words

# Speakers of each split by the makers' rule.
SPEAKERS = {"validation": "026290a7", "test": "bb05582b", "train": "0a7c2a8d"}


def recording(path: Path, seed: int, n: int = 16000, rate: int = 16000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(np.random.default_rng(seed).integers(-9999, 9999, n).astype("<i2").tobytes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The ten words and two more, by a speaker of each split twice, and two recordings of noise."""
    for number, word in enumerate((*speech_commands.WORDS, "bed", "cat")):
        for place, speaker in enumerate(SPEAKERS.values()):
            for take in range(2):
                n = 16000 if take else 12000
                recording(tmp_path / word / f"{speaker}_nohash_{take}.wav", 100 * number + 10 * place + take, n)
    for i in range(2):
        recording(tmp_path / "_background_noise_" / f"noise_{i}.wav", 5000 + i, 170_000)
    (tmp_path / "README.md").write_text("Speech Commands")
    return tmp_path


def test_the_makers_rule_splits_by_speaker() -> None:
    """026290a7 and 060cd039 stand in the published validation list, bb05582b in the testing list."""
    for split, speaker in (*SPEAKERS.items(), ("validation", "060cd039")):
        assert {speech_commands.by_speaker(f"{speaker}_nohash_{n}") for n in range(4)} == {split}
    told = [speech_commands.by_speaker(f"{n:08x}_nohash_0") for n in range(20_000)]
    for split, share in (("train", 0.8), ("validation", 0.1), ("test", 0.1)):
        assert abs(told.count(split) / len(told) - share) < 0.01


def test_twelve_classes_each_as_often_and_no_speaker_or_noise_in_two_splits(folder: Path) -> None:
    dataset = speech_commands.load(folder)
    assert dataset.labels == (*speech_commands.WORDS, "unknown", "silence")
    assert dataset.rate == 16000
    seen: list[bytes] = []
    for split in (dataset.train, dataset.validation, dataset.test):
        assert split.labels is not None
        assert np.bincount(split.labels).tolist() == [2] * 12
        assert split.samples["features"].shape == (24, 16000)
        assert split.samples["features"].dtype == np.int16
        seen += [row.tobytes() for row in split.samples["features"]]
    assert len(set(seen)) == 72
    again = speech_commands.load(folder)
    assert again.sha256() == dataset.sha256()


def test_a_recording_is_its_label_s_and_short_ones_lie_in_the_middle(folder: Path) -> None:
    dataset = speech_commands.load(folder)
    path = folder / "up" / f"{SPEAKERS['test']}_nohash_0.wav"
    with wave.open(str(path)) as file:
        raw = np.frombuffer(file.readframes(16000), "<i2")
    whole = np.pad(raw, 2000)
    (at,) = np.flatnonzero((dataset.test.samples["features"] == whole).all(axis=1))
    assert dataset.test.labels is not None
    assert dataset.labels[dataset.test.labels[at]] == "up"


def test_silence_is_of_the_split_s_part_of_the_noise() -> None:
    noise = [(np.arange(160_000) // 8 + 1).astype(np.int16)]
    for split, (low, high) in (("train", (0, 0.8)), ("validation", (0.8, 0.9)), ("test", (0.9, 1.0))):
        found = speech_commands._seconds(noise, 50, split, np.random.default_rng(0)).astype(float)
        # Slopes tell the level, the last and first sample then the place.
        level = (found[:, -1] - found[:, 0]) / ((16000 - 8) / 8)
        loud = level > 0.2
        place = found[loud, 0] / level[loud] * 8
        assert place.min() >= low * 160_000 - 400
        assert place.max() <= high * 160_000 - 16_000 + 400


def test_lists_say_what_is_in_which_split(folder: Path) -> None:
    """The other way round than by the rule: what it trains on is tested."""
    words = sorted(path.name for path in folder.iterdir() if path.is_dir() and path.name[0] != "_")
    for file, speaker in (("validation_list.txt", SPEAKERS["test"]), ("testing_list.txt", SPEAKERS["train"])):
        lines = [f"{word}/{speaker}_nohash_{take}.wav" for word in words for take in range(2)]
        (folder / file).write_text("\n".join(lines) + "\n")
    dataset = speech_commands_words.load(folder)
    assert dataset.labels == tuple(words)
    wanted = (folder / "bed" / f"{SPEAKERS['train']}_nohash_1.wav").read_bytes()[44:]
    assert wanted in {row.tobytes() for row in dataset.test.samples["features"]}
    assert [len(s) for s in (dataset.train, dataset.validation, dataset.test)] == [24, 24, 24]


Change = Callable[[Path], object]


def listed(validation: str, testing: str = "") -> Change:
    def change(folder: Path) -> None:
        (folder / "validation_list.txt").write_text(validation)
        (folder / "testing_list.txt").write_text(testing)

    return change


NOT_THERE = "yes/026290a7_nohash_0.wav\nyes/026290a7_nohash_9.wav\n"
SHORT = "0a7c2a8d_nohash_0.wav"


def cut_off(folder: Path) -> None:
    (folder / "no" / SHORT).write_bytes((folder / "no" / "0a7c2a8d_nohash_1.wav").read_bytes()[:900])


BROKEN: dict[str, tuple[Change, str, str]] = {
    "a cut off recording": (cut_off, "samples that its header states", f"{SHORT}: 428 of 16000"),
    "another rate": (lambda f: recording(f / "no" / SHORT, 1, rate=8000), "16000 samples", "8000"),
    "no recording at all": (lambda f: (f / "no" / SHORT).write_bytes(b"no"), "PCM", SHORT),
    "another name": (lambda f: recording(f / "no" / "hello.wav", 1), "SPEAKER_nohash_N.wav", "hello.wav"),
    "a list's line": (listed(NOT_THERE), "must name a recording", "validation_list.txt, line 2: yes/026290a7_nohash_9"),
    "a path out of the folder": (listed("../x/a_nohash_0.wav\n" + NOT_THERE[:26]), "must name", "line 1: ../x"),
    "short noise": (
        lambda f: recording(f / "_background_noise_" / "noise_0.wav", 1, 16000), "ten seconds", "1 seconds"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_one_bad_file_or_line_is_named_or_passed_over(folder: Path, what: str) -> None:
    change, rule, received = BROKEN[what]
    change(folder)
    with pytest.raises(Refused) as told:
        speech_commands.load(folder)
    assert rule in told.value.rule
    assert received in told.value.received
    assert "--skip-bad" in told.value.fix
    if "list" in what or "path" in what:  # the whole test split has gone from these
        return
    with skipping.skipping(True) as skipped:
        dataset = speech_commands.load(folder)
    assert len(skipped) == 1
    assert received in skipped[0]
    assert len(dataset.test) == 24


@pytest.mark.parametrize(
    ("change", "rule", "received"),
    [
        (lambda f: (f / "testing_list.txt").write_text(""), "both splits", "testing_list.txt alone"),
        (listed("yes/026290a7_nohash_0.wav", "yes/026290a7_nohash_0.wav"), "in both lists", "testing_list.txt, line 1"),
        (lambda f: (f / "yes").rename(f / "yeah"), "the ten words", "none of yes"),
        (lambda f: (f / "_background_noise_").rename(f / "_x"), "recordings of noise", "_background_noise_"),
        (lambda f: (f / "validation_list.txt").write_bytes(b"\xff\xfe"), "both splits", "alone"),
    ],
)
def test_a_folder_that_is_not_whole_is_refused(folder: Path, change: Change, rule: str, received: str) -> None:
    change(folder)
    with pytest.raises(Refused) as told:
        speech_commands.load(folder)
    assert rule in told.value.rule
    assert received in told.value.received


def test_no_folder_or_an_empty_one_is_refused(tmp_path: Path) -> None:
    for load in (speech_commands.load, speech_commands_words.load):
        with pytest.raises(Refused, match="must be given"):
            load(None)
        for empty in (tmp_path, tmp_path / "none"):
            with pytest.raises(Refused, match="for each word"):
                load(empty)


def test_the_network_has_the_classes_and_the_frontend_the_rate(folder: Path) -> None:
    from edgeproof import frontend
    from train import learned

    recipe = registry.load("keyword")
    assert settings.resolve(recipe, "speech_commands", {})["classes"] == 12
    dataset = data.load(recipe, "speech_commands", folder)
    (how,) = learned.frontends(recipe, settings.resolve(recipe, "speech_commands", {}), dataset)
    assert (how.stated("rate"), how.stated("length")) == (16000, 16000)
    assert frontend.apply(how, dataset.test.samples["features"]).shape == (24, 98, 40)
