"""The idx format of MNIST: magic, sizes, bytes; plain or gzipped."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from edgeproof.errors import Refused

_UNSIGNED_BYTE = 8
_LARGEST = 1 << 31


def read(path: Path, *, dimensions: int) -> np.ndarray:
    """An idx file of unsigned bytes.

    Args:
        path: `.gz` files are unpacked.
        dimensions: how many the file must have.

    Returns:
        uint8 array of the sizes in its header.

    Raises:
        Refused: missing, damaged, of another magic, or shorter or longer than its header says.
    """
    fix = "get the file again from where its makers publish it"
    if not path.is_file():
        raise Refused(
            "idx: the file must exist.", received=str(path), fix="pass the folder that holds it with --data-dir"
        )
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            head = file.read(4 + 4 * dimensions)
            magic = bytes((0, 0, _UNSIGNED_BYTE, dimensions))
            if head[:4] != magic:
                raise Refused(
                    f"idx: {path.name} must begin with {magic.hex()}: unsigned bytes in {dimensions} dimension(s).",
                    received=head[:4].hex() or "an empty file",
                    fix=fix,
                )
            if len(head) != 4 + 4 * dimensions:
                raise Refused(
                    f"idx: the header of {path.name} must go on with {dimensions} size(s) of 4 bytes.",
                    received=f"{len(head) - 4} bytes",
                    fix=fix,
                )
            shape = tuple(int.from_bytes(head[i : i + 4], "big") for i in range(4, len(head), 4))
            expected = math.prod(shape)
            # Never unpack more than the header promises, nor believe a promise beyond reason.
            body = file.read(expected + 1) if expected < _LARGEST else b""
    except (OSError, EOFError, zlib.error) as error:
        raise Refused("idx: the file must unpack whole.", received=f"{path}: {error}", fix=fix) from error
    if len(body) != expected:
        more = "more than " if len(body) > expected else ""
        raise Refused(
            f"idx: the body of {path.name} must have as many bytes as its header says, {expected} for sizes {shape}.",
            received=f"{more}{min(len(body), expected)} bytes",
            fix=fix,
        )
    return np.frombuffer(body, np.uint8).reshape(shape)
