"""Writes under the worst that a machine can do: killed at any moment, a full disk, a folder that is closed."""

from __future__ import annotations

import os
import random
import shutil
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeproof import atomic
from edgeproof.errors import Unwritable

OLD, NEW = b"old" * 1000, b"new" * 2000
ROOT = Path(__file__).resolve().parents[2]
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits are POSIX's")


def left(folder: Path) -> list[str]:
    """What lies in a folder, half-written things included."""
    return sorted(path.name for path in folder.iterdir())


def fill(folder: Path, content: bytes) -> None:
    (folder / "inner").mkdir()
    (folder / "a").write_bytes(content)
    (folder / "inner" / "b").write_bytes(content)


def content(folder: Path) -> set[bytes]:
    """Of a folder that is whole one content, in both files."""
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*")) == ["a", "inner", "inner/b"]
    return {(folder / "a").read_bytes(), (folder / "inner" / "b").read_bytes()}


def test_bytes_are_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "file"
    for data in (OLD, NEW, b""):
        atomic.write_bytes(path, data)
        assert path.read_bytes() == data
        assert left(path.parent) == ["file"]
    assert path.stat().st_mode & 0o777 == 0o644
    atomic.write_text(str(path), "§\n")
    assert path.read_bytes() == b"\xc2\xa7\n"


def test_folder_takes_its_name_whole_and_replaces_what_had_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "folder"
    for data in (OLD, NEW):
        with atomic.folder(path) as new:
            fill(new, data)
            assert not path.exists() or content(path) == {OLD}
        assert content(path) == {data}
        assert left(path.parent) == ["folder"]
    with atomic.folder(path):
        pass
    assert left(path) == []
    assert path.stat().st_mode & 0o777 == 0o755


def test_folder_replaces_a_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(OLD)
    with atomic.folder(tmp_path / "x") as new:
        fill(new, NEW)
    assert content(tmp_path / "x") == {NEW}
    assert left(tmp_path) == ["x"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("before", [False, True])
def test_block_that_fails_leaves_what_was_there(tmp_path: Path, error: type[BaseException], before: bool) -> None:
    path = tmp_path / "folder"
    if before:
        with atomic.folder(path) as new:
            fill(new, OLD)

    def fail() -> None:
        with atomic.folder(path) as new:
            (new / "half").write_bytes(NEW)
            raise error

    with pytest.raises(error):
        fail()
    assert left(tmp_path) == ["folder"] * before
    assert not before or content(path) == {OLD}


@pytest.mark.parametrize("stage", ["fsync", "fchmod", "replace"])
def test_write_that_fails_leaves_what_was_there(tmp_path: Path, stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    atomic.write_bytes(path, OLD)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic.os, stage, fail)
    with pytest.raises(KeyboardInterrupt):
        atomic.write_bytes(path, NEW)
    assert path.read_bytes() == OLD
    assert left(tmp_path) == ["file"]


def test_file_is_on_the_disk_before_it_has_its_name_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the first a power cut leaves an empty file under the name, without the second the old one."""
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def synced(handle: int) -> None:
        done.append("sync folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "sync file")
        fsync(handle)

    def replaced(source: str, target: Path) -> None:
        done.append("replace")
        replace(source, target)

    monkeypatch.setattr(atomic.os, "fsync", synced)
    monkeypatch.setattr(atomic.os, "replace", replaced)
    atomic.write_bytes(tmp_path / "file", NEW)
    assert done == ["sync file", "replace", "sync folder"]
    done.clear()
    with atomic.folder(tmp_path / "folder") as new:
        fill(new, NEW)
    assert done == ["sync file", "sync file", "replace", "sync folder"]


# In a process of its own: write(i) writes version i, of one byte repeated, as a file or as a folder of two files.
WRITER = """
import os, signal, sys
from edgeproof import atomic
kind, path, size = sys.argv[1], sys.argv[2], int(sys.argv[3])

def write(i):
    data = bytes([i % 256]) * size
    if kind == "file":
        atomic.write_bytes(path, data)
    else:
        with atomic.folder(path) as new:
            for name in ("a", "b"):
                (new / name).write_bytes(data)
"""


def versions(path: Path, size: int) -> set[int]:
    """The version under the final name (none if it is absent), after a check that it is whole."""
    found = set()
    for file in [path / "a", path / "b"] if path.is_dir() else [path] * path.exists():
        data = file.read_bytes()
        assert len(data) == size, f"{file} is half-written"
        assert len(set(data)) == 1, f"{file} is of two versions"
        found.add(data[0])
    assert len(found) <= 1, "two versions in one folder"
    return found


@posix
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_killed_at_every_step_leaves_old_or_new_or_nothing_under_the_name(tmp_path: Path, kind: str) -> None:
    """Every call by which the writer changes the file system is in turn its last, before and after it is made."""
    script = (
        WRITER
        + """
write(1)
calls, last = 0, int(sys.argv[4])
def fatal(name):
    act = getattr(os, name)
    def wrapped(*arguments, **options):
        global calls
        for moment in ("before", "after"):
            calls += 1
            if calls == last:
                os.kill(os.getpid(), signal.SIGKILL)
            if moment == "before":
                result = act(*arguments, **options)
        return result
    setattr(os, name, wrapped)
for name in ("open", "mkdir", "fsync", "fchmod", "chmod", "replace", "rename", "unlink", "rmdir"):
    fatal(name)
write(2)
"""
    )
    seen, size = set(), 5000
    for last in range(1, 200):
        parent = tmp_path / str(last)
        parent.mkdir()
        done = subprocess.run([sys.executable, "-c", script, kind, str(parent / "x"), str(size), str(last)])
        found = versions(parent / "x", size)
        seen.add(min(found, default=0))
        atomic.sweep(parent)
        assert left(parent) == ["x"]
        # What had stepped aside is back: a whole version always, the new one once it was there.
        assert versions(parent / "x", size) == (found or {1})
        if done.returncode == 0:
            assert found == {2}
            break
        assert done.returncode == -9
        assert found <= {1, 2}
        # A file is replaced in one step; a folder is absent for a moment, which the next run can see and mend.
        assert found or kind == "folder"
    else:
        pytest.fail("the writer never came to its end")
    assert seen >= {1, 2}


@posix
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_killed_at_any_time_never_leaves_half_under_the_name(tmp_path: Path, kind: str) -> None:
    script = WRITER + 'print("ready", flush=True)\nfor i in range(10**9): write(i)'
    size, chance = 1_000_000, random.Random(0)
    for _ in range(8):
        command = [sys.executable, "-c", script, kind, str(tmp_path / "x"), str(size)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout
            writer.stdout.readline()
            time.sleep(chance.uniform(0.0, 0.06))
            writer.kill()
        versions(tmp_path / "x", size)
    atomic.sweep(tmp_path)
    assert left(tmp_path) in ([], ["x"])
    versions(tmp_path / "x", size)


def test_sweep_takes_what_was_left_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".partial-file").write_bytes(OLD)
    (tmp_path / ".partial-folder").mkdir()
    fill(tmp_path / ".partial-folder", OLD)
    (tmp_path / "keep").write_bytes(OLD)
    (tmp_path / ".hidden").write_bytes(OLD)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / ".partial-elsewhere").write_bytes(OLD)
    atomic.sweep(tmp_path)
    assert left(tmp_path) == [".hidden", "inner", "keep"]
    assert left(tmp_path / "inner") == [".partial-elsewhere"]
    atomic.sweep(tmp_path / "missing")


def test_prepare_makes_the_folder_sweeps_it_and_leaves_nothing(tmp_path: Path) -> None:
    atomic.prepare(tmp_path / "a" / "b")
    assert left(tmp_path / "a" / "b") == []
    (tmp_path / "keep").write_bytes(OLD)
    (tmp_path / ".partial-left").write_bytes(OLD)
    atomic.prepare(tmp_path)
    assert left(tmp_path) == ["a", "keep"]


@pytest.mark.parametrize(
    "write",
    [
        lambda path: atomic.write_bytes(path, NEW),
        lambda path: atomic.folder(path).__enter__(),
        lambda path: atomic.prepare(path.parent),
    ],
)
def test_file_where_a_folder_should_be_is_refused(tmp_path: Path, write: Callable[[Path], None]) -> None:
    (tmp_path / "file").write_bytes(OLD)
    for path in (tmp_path / "file" / "x", tmp_path / "file" / "deep" / "x"):
        with pytest.raises(Unwritable, match="must be a folder"):
            write(path)
    assert (tmp_path / "file").read_bytes() == OLD
    assert left(tmp_path) == ["file"]


@pytest.mark.parametrize("name", ["folder", "n" * 300])
def test_name_that_no_file_can_have_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(Unwritable):
        atomic.write_bytes(tmp_path / name, NEW)
    assert left(tmp_path) == ["folder"]


def test_other_errors_of_the_block_are_not_called_errors_of_writing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic.folder(tmp_path / "x"):
        (tmp_path / "missing").read_bytes()


# Writes over what is at argv[1] under `guard`, as the commands do, and tells status and what is left.
COMMAND = """
import sys
from pathlib import Path
from edgeproof import atomic
from edgeproof.cli import guard
path, size = Path(sys.argv[1]), int(sys.argv[2])

def write():
    atomic.write_bytes(path, bytes(size))
    return 0

def write_folder():
    with atomic.folder(path.parent / "folder") as new:
        (new / "x").write_bytes(bytes(size))
    return 0

before = path.read_bytes()
statuses = [guard("edgeproof", act) for act in (write, write_folder)]
kept = path.read_bytes() == before
print(statuses, "kept" if kept else "lost", sorted(p.name for p in path.parent.iterdir()), flush=True)
sys.exit(max(statuses))
"""


def assert_full(done: subprocess.CompletedProcess[str], path: str, reason: str) -> None:
    assert done.returncode == 2, done
    assert done.stdout == f"[2, 2] kept ['{Path(path).name}']\n"
    first, *_ = message = done.stderr.splitlines()
    assert len(message) == 6, done.stderr
    assert first == f"edgeproof: write: there must be room on the disk for {path}."
    assert message[1] == f"  received: {reason}"
    assert "nothing that was there before has changed" in message[2]


@posix
def test_file_over_the_limit_is_refused_and_the_old_one_stays(tmp_path: Path) -> None:
    """A quota's own error number, made without one by the limit on the size of files."""
    path = tmp_path / "file"
    path.write_bytes(OLD)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
    done = subprocess.run([sys.executable, "-c", limit + COMMAND, str(path), "200000"], capture_output=True, text=True)
    assert_full(done, str(path), "File too large")


def in_namespace(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script as root of its own namespace, where it may mount; skip where the system does not allow it."""
    unshare = shutil.which("unshare")
    allowed = unshare and subprocess.run([unshare, "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True)
    if not allowed or allowed.returncode:
        pytest.skip("needs a user namespace in which to mount a small disk")
    return subprocess.run(
        ["unshare", "-rm", "sh", "-ec", script, "sh", *arguments], capture_output=True, text=True, timeout=60
    )


def test_full_disk_is_refused_and_the_old_file_stays(tmp_path: Path) -> None:
    script = """
        mount -t tmpfs -o size=64k tmpfs "$1"
        echo old > "$1/file"
        exec "$2" -c "$3" "$1/file" 200000
    """
    done = in_namespace(script, str(tmp_path), sys.executable, COMMAND)
    assert_full(done, f"{tmp_path}/file", "No space left on device")


def test_read_only_disk_is_refused(tmp_path: Path) -> None:
    script = """
        mount -t tmpfs tmpfs "$1"
        echo old > "$1/file"
        mount -o remount,bind,ro "$1"
        exec "$2" -c "$3" "$1/file" 10
    """
    done = in_namespace(script, str(tmp_path), sys.executable, COMMAND)
    assert done.returncode == 2, done
    assert done.stdout == "[2, 2] kept ['file']\n"
    expected = f"""\
        edgeproof: write: {tmp_path} must be a folder that this user may write in.
          received: Read-only file system
          fix: choose another folder with --out, or change its permissions
        """
    assert done.stderr == textwrap.dedent(expected) * 2


@posix
def test_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed" / "file").write_bytes(OLD)
    (tmp_path / "closed").chmod(0o555)
    # Root may write anywhere, so there it is somebody else who tries.
    somebody = "import os, tempfile, edgeproof.atomic, edgeproof.cli\nos.geteuid() or os.setuid(65534)\n"
    done = subprocess.run(
        [sys.executable, "-c", somebody + COMMAND, "closed/file", "10"],
        cwd=tmp_path,  # relative, since somebody else may not even look into the folders above
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    (tmp_path / "closed").chmod(0o755)
    assert (done.returncode, done.stdout) == (2, "[2, 2] kept ['file']\n"), done
    assert done.stderr.splitlines()[0] == "edgeproof: write: closed must be a folder that this user may write in."
    assert "Permission denied" in done.stderr


def test_what_stepped_aside_comes_back_when_a_kill_came_between_the_renames(tmp_path: Path) -> None:
    (tmp_path / ".aside-model").mkdir()
    (tmp_path / ".aside-model" / "weights").write_text("old")
    atomic.sweep(tmp_path)
    assert (tmp_path / "model" / "weights").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_what_stepped_aside_goes_when_its_successor_is_there(tmp_path: Path) -> None:
    for name in (".aside-model", "model"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights").write_text(name)
    atomic.sweep(tmp_path)
    assert (tmp_path / "model" / "weights").read_text() == "model"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@posix
def test_a_folder_that_can_not_be_made_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unwritable, match="must be a folder that this user may write in"):
        atomic.prepare("/proc/edgeproof/x")
