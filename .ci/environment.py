"""Makes `.venv` of this checkout: the pinned packages, then the checkout itself, editable.

    python .ci/environment.py             make or mend it; silent and instant when nothing has changed
    python .ci/environment.py --current   exit status 0 when there is nothing to do, 1 when there is

Only the standard library is used, as this runs before anything is installed. Packages go through a folder of wheels
in the user's cache: a wheel in it needs no index, so a second checkout, or a machine cut off since, installs from it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.txt"
STAMP = VENV / "edgeproof.json"


def main() -> int:
    if sys.argv[1:] == ["--current"]:
        return 0 if installed() == wanted() else 1
    with only_one():
        have, want = installed(), wanted()
        if have == want:
            return 0
        try:
            if {**have, "project": ""} != {**want, "project": ""}:
                install_packages()
            install_project()
        except subprocess.CalledProcessError as failure:
            tool = " ".join(failure.cmd[1:4])
            print(f"environment: {tool} failed (see above); the same command starts it again", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("environment: stopped; the same command starts it again", file=sys.stderr)
            return 130
        STAMP.write_text(json.dumps(want))  # last: an install that was cut short has no stamp and starts again
    return 0


def wanted() -> dict[str, str]:
    """What decides the environment's content. The folder is in it since a copied `.venv` points at the original."""
    return {
        "python": sys.version,
        "folder": str(ROOT),
        "packages": hashlib.sha256(LOCK.read_bytes()).hexdigest(),
        "project": hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest(),
    }


def installed() -> dict[str, str]:
    """What `.venv` was made from, or {} when it is missing or was not finished."""
    try:
        return dict(json.loads(STAMP.read_text())) if PYTHON.exists() else {}
    except (OSError, ValueError):
        return {}


def install_packages() -> None:
    print(f"environment: making .venv with Python {sys.version.split()[0]}", flush=True)
    # The base interpreter: in an activated .venv, `python3` is the one that is about to be cleared away.
    run(getattr(sys, "_base_executable", sys.executable), "-m", "venv", "--clear", str(VENV))
    wheels = wheelhouse()
    # The lock's hashes are checked on every install, so a damaged or foreign file in the folder is never used.
    pins = ["--require-hashes", "--only-binary", ":all:", "-r", str(LOCK)]
    install = [str(PYTHON), "-m", "pip", "install", "--quiet", "--no-index", "--find-links", str(wheels), *pins]
    print(f"environment: installing the pinned packages from {wheels}", flush=True)
    if any(wheels.glob("*.whl")) and subprocess.run(install, stderr=subprocess.DEVNULL).returncode == 0:
        return
    print("environment: downloading what is missing there (about 0.8 GB the first time)", flush=True)
    quiet = [] if sys.stdout.isatty() else ["--quiet"]  # at a terminal the wait has a progress bar
    run(str(PYTHON), "-m", "pip", "download", *quiet, "--dest", str(wheels), *pins)
    run(*install)


def install_project() -> None:
    editable = ["--no-deps", "--no-build-isolation", "--no-index", "--editable", str(ROOT)]
    run(str(PYTHON), "-m", "pip", "install", "--quiet", *editable)


def run(*command: str) -> None:
    subprocess.run(command, check=True)


def wheelhouse() -> Path:
    """The user's cache folder, or one in the checkout where there is no writable home."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    for folder in (Path(cache) / "edgeproof" / "wheels", ROOT / ".cache" / "wheels"):
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                return folder
    raise SystemExit(f"environment: neither {cache} nor {ROOT} can be written; set XDG_CACHE_HOME to a folder that can")


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Two `make` in one checkout: the second waits. The system drops the lock when its holder dies, however it dies."""
    (ROOT / ".cache").mkdir(exist_ok=True)
    with open(ROOT / ".cache" / "environment.lock", "w") as file:
        with contextlib.suppress(ImportError):  # no fcntl on Windows
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    raise SystemExit(main())
