"""Damage to zip archives: members that lead elsewhere, twice, too large, wrongly summed, or not what they say."""

from __future__ import annotations

import io
import json
import random
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

from . import groups, trees


def change(data: bytes, outside: str, bait: trees.Bait, rng: random.Random) -> bytes:
    """A `.keras` archive with its members or its table of contents changed."""
    members = {info.filename: zipfile.ZipFile(io.BytesIO(data)).read(info) for info in _listed(data)}
    how = rng.randrange(14)
    if how < 4:
        name = rng.choice(("config.json", "config.json", "metadata.json"))
        changed = trees.change(json.loads(members[name]), bait, rng)
        members[name] = json.dumps(changed).encode("utf-8", "replace")
    elif how == 4:
        members["model.weights.h5"] = groups.change(members["model.weights.h5"], outside, rng)
    elif how == 5:
        del members[rng.choice(list(members))]
    elif how == 6:
        members[rng.choice(list(members))] = rng.choice((b"", b"{}", b"null", rng.randbytes(100), b"[" * 100_000))
    store = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(store, "w") as archive:
        warnings.simplefilter("ignore")  # of names that are there twice
        for name, content in members.items():
            archive.writestr(name, content, rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
        match how:
            case 7:
                path = rng.choice(("../escaped", outside, "a/../../escaped", "..\\escaped", "assets/../../../escaped"))
                archive.writestr(path, b"escaped")
            case 8:
                link = zipfile.ZipInfo(rng.choice(("assets/link", "config.json", "link")))
                link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
                archive.writestr(link, outside)
            case 9:
                archive.writestr(rng.choice(list(members)), b"{}")
            case 10:
                name = rng.choice(("assets/bomb", "config.json", "model.weights.h5"))
                archive.writestr(name, b"\0" * (1 << 23), zipfile.ZIP_DEFLATED)
    changed = store.getvalue()
    if how >= 11:
        changed = _headers(changed, rng)
    return changed


def edited(data: bytes, edit: Callable[[Any], Any]) -> bytes:
    """A `.keras` archive with another architecture."""
    store = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(store, "w") as new:
        for info in old.infolist():
            content = old.read(info)
            new.writestr(info, json.dumps(edit(json.loads(content))) if info.filename == "config.json" else content)
    return store.getvalue()


def _listed(data: bytes) -> list[zipfile.ZipInfo]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.infolist()


def _headers(data: bytes, rng: random.Random) -> bytes:
    """One field of one header set to something else: sums, sizes, methods, offsets, counts."""
    changed = bytearray(data)
    mark, size = rng.choice(((b"PK\x03\x04", 30), (b"PK\x01\x02", 46), (b"PK\x05\x06", 22)))
    places = [at for at in range(len(changed) - size) if changed[at : at + 4] == mark] or [len(changed) - size]
    at = rng.choice(places) + rng.randrange(4, size - 4)
    changed[at : at + 4] = struct.pack(
        "<I", rng.choice((0, 1, 8, 99, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, rng.getrandbits(32)))
    )
    return bytes(changed)
