"""`.keras` archives that nobody vouches for: known members, plain names, bounded sizes, nothing unpacked to disk."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

from edgeproof.errors import Refused

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_ASSETS = "assets/"
_LARGEST = {CONFIG: 1 << 27, METADATA: 1 << 20}
_LARGEST_WEIGHTS = 1 << 32
_MOST_INFLATED = 1100  # deflate reaches 1032
_HARMLESS, _MOST_INFLATED_LARGE = 1 << 26, 50  # beyond 64 MB no trained weights shrink so far, pruned ones included
_MEMBERS = 10_000
_LONGEST = 300  # of what is quoted: names in a damaged file can be of any length


def check(path: Path) -> None:
    """Refuse an archive that Keras did not write.

    Raises:
        Refused: members missing, unknown, twice there, encrypted, links, outside the archive, or far larger unpacked.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            wrong = _wrong(archive)
    except Exception as error:  # headers that lie raise anything
        wrong = f"a zip archive that can't be read ({short(error)})"
    if wrong:
        raise Refused(
            "checkpoint: a .keras file must be an archive as Keras writes it.",
            received=f"{path}: {wrong}",
            fix="save the model again with model.save(...)",
        )


def member(path: Path, name: str) -> bytes:
    """A member's bytes, never more than its archive announced.

    Raises:
        Refused: it can't be read, or is not what was announced.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = archive.getinfo(name).file_size
            with archive.open(name) as opened:
                data = opened.read(min(size, _bound(name)) + 1)
            if len(data) != size:
                raise zipfile.BadZipFile(f"{name} is not as large as it announces")
            return data
    except Exception as error:  # zlib.error and its like share no base, and headers that lie raise anything
        raise Refused(
            "checkpoint: a .keras file must be whole.",
            received=f"{path}: {name}: {short(error)}",
            fix="copy it again, or save the model again with model.save(...)",
        ) from error


def weights(path: Path) -> io.BytesIO:
    """The archive's HDF5, in memory."""
    return io.BytesIO(member(path, WEIGHTS))


def _wrong(archive: zipfile.ZipFile) -> str:
    """What is wrong with the archive's table of contents, or ""."""
    members = archive.infolist()
    names = [info.filename for info in members]
    missing = [name for name in (CONFIG, METADATA, WEIGHTS) if name not in names]
    if missing:
        return "no " + ", ".join(missing)
    if len(members) > _MEMBERS:
        return f"{len(members):,} members"
    if len(set(names)) != len(names):
        return "two members of one name"
    for info in members:
        name = info.filename
        if name.startswith("/") or "\\" in name or "\0" in name or ".." in name.split("/"):
            return f"a member outside the archive, {short(repr(name))}"
        if stat.S_ISLNK(info.external_attr >> 16):
            return f"a link, {short(repr(name))}"
        if info.flag_bits & 1:
            return f"an encrypted member, {short(repr(name))}"
        if name not in (CONFIG, METADATA, WEIGHTS) and not name.startswith(_ASSETS):
            return f"a member that Keras does not write, {short(repr(name))}"
        if info.file_size > _bound(name) or info.file_size > _MOST_INFLATED * max(info.compress_size, 1):
            return f"{short(repr(name))} unpacks from {info.compress_size:,} to {info.file_size:,} bytes"
    inflated, stored = sum(info.file_size for info in members), sum(info.compress_size for info in members)
    if inflated > max(_HARMLESS, _MOST_INFLATED_LARGE * stored):
        return f"members that unpack from {stored:,} to {inflated:,} bytes"
    return ""


def short(said: object) -> str:
    """What a damaged file says, in one line that a person reads to its end."""
    line = " ".join(str(said).split())
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "..."


def _bound(name: str) -> int:
    return _LARGEST.get(name, _LARGEST_WEIGHTS)
