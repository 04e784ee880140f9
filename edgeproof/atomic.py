"""Writes that either happen whole or do not happen: temporary name, fsync, rename."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edgeproof.errors import Unwritable

_PREFIX = ".partial-"
_ASIDE = ".aside-"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG}


@contextmanager
def refusing(path: Path, *also: int) -> Iterator[None]:
    """Turn the operating system's reasons for not writing `path`, and the error numbers `also`, into one refusal."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL or "No space left on device" in str(error):
            raise Unwritable(
                f"write: there must be room on the disk for {path}.",
                received=f"{error.strerror or error}",
                fix="free some space or write somewhere else; nothing that was there before has changed",
            ) from error
        if error.errno in _CLOSED or error.errno in also:
            raise Unwritable(
                f"write: {path.parent} must be a folder that this user may write in.",
                received=f"{error.strerror or error}",
                fix="choose another folder with --out, or change its permissions",
            ) from error
        raise


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Replace the file at `path` by `data`, durably, or leave what was there.

    Raises:
        Unwritable: the disk is full or the folder can't be written.
    """
    path = Path(path)
    with refusing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=_PREFIX, dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                os.fchmod(file.fileno(), 0o644)
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        _sync_folder(path.parent)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """`write_bytes` for UTF-8 text."""
    write_bytes(path, text.encode())


@contextmanager
def folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A new folder to fill, that takes the name `path` when the block ends well and vanishes otherwise.

    Raises:
        Unwritable: the disk is full or the parent can't be written.
    """
    path = Path(path)
    with refusing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=path.parent))
        try:
            yield temporary
            os.chmod(temporary, 0o755)
            for file in temporary.rglob("*"):
                if file.is_file():
                    _sync(file)
            move(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def move(source: Path, path: Path) -> None:
    """Give a finished file or folder its final name, replacing what had it.

    A folder can't replace a folder in one system call, so the old one steps aside first: between the two
    renames the final name is absent, never half-written, and `sweep` gives it back to the old one.
    """
    if source.is_dir() and path.exists():
        aside = path.with_name(_ASIDE + path.name)
        _remove(aside)
        os.rename(path, aside)
        os.rename(source, path)
        _remove(aside)
    else:
        if source.is_file():
            _sync(source)
        os.replace(source, path)
    _sync_folder(path.parent)


def prepare(parent: str | os.PathLike[str]) -> None:
    """Make sure, before work is spent on it, that the folder exists and can be written; sweep what was left in it.

    Raises:
        Unwritable: it can't.
    """
    parent = Path(parent)
    with refusing(parent / "file", errno.ENOENT):  # as /proc says of folders that it will not have
        parent.mkdir(parents=True, exist_ok=True)
    sweep(parent)
    probe = parent / f"{_PREFIX}probe"
    write_bytes(probe, b"")
    probe.unlink()


def sweep(parent: str | os.PathLike[str]) -> None:
    """Mend what a killed process left in `parent`: half-written things go, what had stepped aside comes back."""
    parent = Path(parent)
    for aside in parent.glob(_ASIDE + "*"):
        final = parent / aside.name.removeprefix(_ASIDE)
        if not final.exists():
            os.rename(aside, final)
        else:
            _remove(aside)
    for left in parent.glob(_PREFIX + "*"):
        _remove(left)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(path: Path) -> None:
    # Some file systems refuse fsync on a folder; the rename itself is done by then.
    with suppress(OSError):
        _sync(path)
