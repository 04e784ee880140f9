"""`samples.npz`: what is written is read, twice the same, and a file that lacks something says what."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeproof import samples
from edgeproof.errors import Refused
from edgeproof.samples import Samples

IMAGES = np.arange(48, dtype=np.uint8).reshape(3, 4, 4)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    written = Samples(
        evaluation={"a": IMAGES, "b": IMAGES.astype(np.float32)},
        calibration={"a": IMAGES[:2], "b": IMAGES[:2].astype(np.float32)},
        labels=np.array([2, 0, 1]),
        manifest={"data": "made", "n": 3, "märchen": [1, None]},
    )
    written.write(tmp_path / "s.npz")
    found = samples.load(tmp_path / "s.npz", ["a", "b"])
    for side in ("evaluation", "calibration"):
        want, got = getattr(written, side), getattr(found, side)
        assert list(got) == ["a", "b"]
        for name in want:
            assert got[name].dtype == want[name].dtype
            assert np.array_equal(got[name], want[name])
    assert found.labels is not None
    assert found.labels.tolist() == [2, 0, 1]
    assert found.manifest == written.manifest
    assert found.source == str(tmp_path / "s.npz")


def test_same_samples_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = Samples({"x": IMAGES}, labels=np.arange(3), manifest={"b": 1, "a": 2})
    written.write(tmp_path / "one.npz")
    monkeypatch.setattr(samples.zipfile.time, "time", lambda: 2_000_000_000.0)
    Samples({"x": IMAGES}, labels=np.arange(3), manifest={"a": 2, "b": 1}).write(tmp_path / "other.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()


def test_any_npz_with_the_names_serves(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "s.npz", evaluation_image=IMAGES, unrelated=np.array(["text"]))
    found = samples.load(tmp_path / "s.npz", ["image"])
    assert np.array_equal(found.evaluation["image"], IMAGES)
    assert (found.calibration, found.labels, found.manifest) == ({}, None, {})


def test_single_input_may_be_called_x_and_its_own_name_wins(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", evaluation_x=IMAGES, calibration_x=IMAGES[:1])
    found = samples.load(tmp_path / "s.npz", ["image"])
    assert np.array_equal(found.evaluation["image"], IMAGES)
    assert np.array_equal(found.calibration["image"], IMAGES[:1])
    np.savez(tmp_path / "both.npz", evaluation_x=IMAGES, evaluation_image=IMAGES[1:])
    assert len(samples.load(tmp_path / "both.npz", ["image"]).evaluation["image"]) == 2
    with pytest.raises(Refused, match="every input"):
        samples.load(tmp_path / "s.npz", ["image", "other"])


@pytest.mark.parametrize(
    ("arrays", "inputs", "named"),
    [
        ({}, ["image"], 'add an array "evaluation_image"'),
        ({"calibration_image": IMAGES}, ["image"], 'add an array "evaluation_image"'),
        ({"evaluation_a": IMAGES}, ["a", "b"], 'add "evaluation_b"'),
        (
            {"evaluation_a": IMAGES, "evaluation_b": IMAGES, "calibration_b": IMAGES},
            ["a", "b"],
            'add "calibration_a"',
        ),
        ({"evaluation_a": IMAGES, "evaluation_b": IMAGES[1:]}, ["a", "b"], "equally many"),
        ({"evaluation_image": IMAGES[:0]}, ["image"], "at least one"),
        ({"evaluation_image": np.uint8(3)}, ["image"], "at least one"),
        ({"evaluation_image": np.array([b"a", b"b"])}, ["image"], "numbers"),
        ({"evaluation_image": np.array([1j])}, ["image"], "numbers"),
        ({"evaluation_image": IMAGES, "manifest": np.array("{no")}, ["image"], "Expecting property name"),
        ({"evaluation_image": IMAGES, "manifest": np.array("[]")}, ["image"], "not a JSON object"),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    tmp_path: Path, arrays: dict[str, Any], inputs: list[str], named: str
) -> None:
    np.savez(tmp_path / "s.npz", **arrays)
    with pytest.raises(Refused) as refusal:
        samples.load(tmp_path / "s.npz", inputs)
    assert named in str(refusal.value)
    assert str(tmp_path / "s.npz") in str(refusal.value)


def test_objects_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", allow_pickle=True, evaluation_image=np.array([{}], object))
    with pytest.raises(Refused, match="without objects"):
        samples.load(tmp_path / "s.npz", ["image"])


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"text", b"\x93NUMPY\x01\x00"])
def test_other_files_are_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "s.npz").write_bytes(data)
    with pytest.raises(Refused, match=r"must be an \.npz"):
        samples.load(tmp_path / "s.npz", ["image"])


def test_single_array_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "s.npy", IMAGES)
    with pytest.raises(Refused, match=r"must be an \.npz"):
        samples.load(tmp_path / "s.npy", ["image"])


@pytest.mark.parametrize("name", ["missing.npz", "."])
def test_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused, match="must exist") as refusal:
        samples.load(tmp_path / name, ["image"])
    assert refusal.value.received == str(tmp_path / name)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_damaged_archive_gives_the_samples_or_a_refusal(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "s.npz"
    Samples({"x": IMAGES}, labels=np.arange(3)).write(path)
    body = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(body) - 1))
        body[start : start + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    path.write_bytes(body)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = samples.load(path, ["x"])
        except Refused:
            return
    # A zip has checksums: what is read at all is what was written.
    assert np.array_equal(found.evaluation["x"], IMAGES)


def test_manifest_is_json_that_others_can_read(tmp_path: Path) -> None:
    Samples({"x": IMAGES}, manifest={"data": "made"}).write(tmp_path / "s.npz")
    with np.load(tmp_path / "s.npz", allow_pickle=False) as archive:
        assert json.loads(str(archive["manifest"])) == {"data": "made"}
