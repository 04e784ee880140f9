"""Downloads into a cache, each file pinned by its SHA-256."""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from edgeproof import atomic
from edgeproof.errors import Refused

_LARGEST = 1 << 30
_TIMEOUT_S = 60


def cache() -> Path:
    """Where downloads are kept: `$XDG_CACHE_HOME/edgeproof/data`, by default under ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgeproof" / "data"


def fetch(name: str, files: Mapping[str, str], hosts: Sequence[str]) -> Path:
    """The folder that holds these files, downloading what is missing.

    Args:
        name: the folder in the cache.
        files: file name -> SHA-256 in hex. A file with another hash is never used.
        hosts: addresses to try in turn, each ending in a slash.

    Raises:
        Refused: no host gave the file with that hash.
    """
    folder = cache() / name
    for file, sha256 in files.items():
        path = folder / file
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
            continue
        atomic.write_bytes(path, _download(name, file, sha256, hosts))
    return folder


def _download(name: str, file: str, sha256: str, hosts: Sequence[str]) -> bytes:
    reasons = []
    for host in hosts:
        try:
            with urllib.request.urlopen(host + file, timeout=_TIMEOUT_S) as answer:
                data: bytes = answer.read(_LARGEST)
        except (OSError, ValueError, http.client.HTTPException) as error:
            reasons.append(f"{host}: {error}")
            continue
        found = hashlib.sha256(data).hexdigest()
        if found == sha256:
            return data
        reasons.append(f"{host}: SHA-256 {found}")
    raise Refused(
        f"download: {file} of {name} must come with SHA-256 {sha256}.",
        received="; ".join(reasons),
        fix="get the files by hand and pass their folder with --data-dir",
    )
