"""`.keras` archives: what Keras writes is read, and what it does not write is refused before anything is unpacked."""

from __future__ import annotations

import io
import shutil
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from edgeproof.errors import Refused
from export.checkpoint import find, read


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import keras

    path = tmp_path_factory.mktemp("archive") / "m.keras"
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="d")]).save(path)
    return path


def again(good: Path, path: Path, change: Callable[[dict[str, bytes]], Any], **info: Any) -> Path:
    """The archive written anew with other members."""
    with zipfile.ZipFile(good) as old:
        members = {name: old.read(name) for name in old.namelist()}
    changed = change(members)
    with zipfile.ZipFile(path, "w") as new:
        for name, data in (changed or members).items():
            new.writestr(name, data)
    return path


def test_an_archive_of_keras_3_is_told_in_full(good: Path) -> None:
    told = read(str(good))
    assert told["kind"].startswith("Keras archive")
    assert told["keras_version"].startswith("3.")
    assert told["parameters"] == 8
    assert find(good) == good
    assert find(good.parent) == good


@pytest.mark.parametrize(
    "name", ["../../evil.py", "/etc/evil", "a\\..\\evil", "assets/../../evil", "evil.py", "x/config.json"]
)
def test_members_that_keras_does_not_write_are_refused(good: Path, tmp_path: Path, name: str) -> None:
    path = again(good, tmp_path / "m.keras", lambda members: members.update({name: b"x"}))
    with pytest.raises(Refused, match=r"outside the archive|does not write"):
        read(str(path))
    assert list(tmp_path.iterdir()) == [path]


def test_links_are_refused(good: Path, tmp_path: Path) -> None:
    path = again(good, tmp_path / "m.keras", lambda members: None)
    link = zipfile.ZipInfo("assets/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(Refused, match="a link"):
        read(str(path))


@pytest.mark.parametrize(
    ("member", "method"), [("config.json", zipfile.ZIP_DEFLATED), ("model.weights.h5", zipfile.ZIP_BZIP2)]
)
def test_what_inflates_beyond_reason_is_refused_before_memory_is_taken(
    good: Path, tmp_path: Path, member: str, method: int
) -> None:
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(path, "w", method) as new:
        for name in old.namelist():
            new.writestr(name, bytes(1 << 28) if name == member else old.read(name))
    with pytest.raises(Refused, match=r"unpacks from [\d,]+ to 268,435,456 bytes"):
        read(str(path))


def test_a_member_larger_than_it_announces_is_refused(good: Path, tmp_path: Path) -> None:
    path = again(good, tmp_path / "m.keras", lambda members: None)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo("config.json").file_size
    packed = struct.pack("<I", size)
    start = data.rindex(b"PK\x01\x02")
    for at in range(data.index(b"PK\x01\x02"), len(data) - 4):
        if data[at : at + 4] == packed:
            data[at : at + 4] = struct.pack("<I", size - 10)
    assert start
    path.write_bytes(bytes(data))
    with pytest.raises(Refused):
        read(str(path))


@pytest.mark.parametrize("missing", ["config.json", "metadata.json", "model.weights.h5"])
def test_a_missing_member_is_named(good: Path, tmp_path: Path, missing: str) -> None:
    path = again(good, tmp_path / "m.keras", lambda members: members.pop(missing) and None)
    with pytest.raises(Refused, match=f"no {missing}"):
        read(str(path))


def test_weights_inside_are_checked_as_those_outside_are(good: Path, tmp_path: Path) -> None:
    def spoil(act: Callable[[h5py.File], Any]) -> Callable[[dict[str, bytes]], None]:
        def change(members: dict[str, bytes]) -> None:
            data = io.BytesIO(members["model.weights.h5"])
            with h5py.File(data, "r+") as file:
                act(file)
            members["model.weights.h5"] = data.getvalue()

        return change

    def link(file: h5py.File) -> None:
        file["layers/link"] = h5py.ExternalLink("/etc/passwd", "/")

    def infinite(file: h5py.File) -> None:
        file["layers/dense/vars/0"][0, 0] = np.inf

    for act, said in ((link, "ExternalLink"), (infinite, "1 that are NaN or infinite")):
        with pytest.raises(Refused, match=said):
            read(str(again(good, tmp_path / "m.keras", spoil(act))))


def test_code_in_an_archive_is_never_opened(good: Path, tmp_path: Path, opened: Any) -> None:
    import keras

    path = tmp_path / "m.keras"
    x = keras.Input((3,))
    keras.Model(x, keras.layers.Lambda(lambda t: t * t, name="hidden_code")(x)).save(path)
    with pytest.raises(Refused, match='Lambda layer "hidden_code"') as refused:
        read(str(path))
    assert "--replace hidden_code=" in refused.value.fix
    replaced = opened(path, replace=(("hidden_code", "keras.ops.square"),))
    np.testing.assert_array_equal(replaced.model(np.float32([[1, -2, 3]])), [[1, 4, 9]])


def test_members_that_are_large_together_and_unpack_from_almost_nothing_are_refused(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    shutil.copyfile(good, path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for index in range(20):
            archive.writestr(f"assets/{index}", b"\0" * (1 << 22))
    with pytest.raises(Refused, match="members that unpack from"):
        read(str(path))


def test_a_refusal_stays_short_whatever_the_names_are(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    shutil.copyfile(good, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("x" * 60_000, b"")
    with pytest.raises(Refused) as refused:
        read(str(path))
    assert len(refused.value.received) < 1000
