"""Says what a model file is, from its bytes alone: no interpreter, no TensorFlow, no flatbuffers, no protobuf.

The file may come from anywhere: every length in it is checked against its size before it is believed, and whatever
is wrong with it comes back as one `Refused`.
"""

from __future__ import annotations

import os
import stat

from edgeproof.errors import Refused, nearest
from edgeproof.formats import onnx, tflite
from edgeproof.formats.precisions import precision
from edgeproof.formats.summary import Body, Operator, Summary, TensorInfo

__all__ = ["Body", "Operator", "Summary", "TensorInfo", "precision", "read", "read_bytes", "read_file"]

_ENDINGS = (".tflite", ".onnx")
_LARGEST = 1 << 32  # what a device loads is far below; a sparse file of terabytes is not worth trying

# First bytes of files that are taken for models, and what to do with them.
_OTHERS = (
    (b"\x89HDF\r\n\x1a\n", "a Keras checkpoint (HDF5)", "export it first: python -m export FILE"),
    (b"PK\x03\x04", "a zip archive, as .keras files are", "export the model, or unpack the archive"),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself", "fetch it: git lfs pull"),
    (b"<!DOCTYPE", "a web page", "download the file itself"),
    (b"<html", "a web page", "download the file itself"),
)


def read(path: str | os.PathLike[str]) -> Summary:
    """Say what a .tflite or .onnx file is; its content decides, not its name.

    Raises:
        Refused: there is no such file, it is neither format, or it is damaged.
    """
    return read_bytes(read_file(path), os.fspath(path))


def read_file(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a model file.

    Raises:
        Refused: there is no such file, or none that can be read.
    """
    source = os.fspath(path)
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise _refused(source, "a folder", _listing(source))
        if not stat.S_ISREG(status.st_mode):
            raise _refused(source, "a device or pipe", "copy it into a file first")
        if status.st_size > _LARGEST:
            raise _refused(source, f"{status.st_size} bytes", "name a file below 4 GB")
        with open(path, "rb") as file:
            return file.read(_LARGEST)
    except FileNotFoundError:
        raise _refused(source, "no file of that name", _listing(os.path.dirname(source), source)) from None
    except (OSError, ValueError) as error:
        if isinstance(error, Refused):
            raise
        raise _refused(source, f"a path that can not be read ({error})", "check the name and its permissions") from None


def read_bytes(data: bytes, source: str) -> Summary:
    """Say what a model is, given its bytes; `source` is its name in messages.

    Raises:
        Refused: it is neither TFLite nor ONNX, or it is damaged.
    """
    if not data:
        raise _refused(source, "an empty file", "export or copy it again")
    if data[4:8] == tflite.IDENTIFIER:
        return tflite.read(data, source)
    if onnx.recognise(data):
        return onnx.read(data, source)
    for mark, what, fix in _OTHERS:
        if data.startswith(mark):
            raise _refused(source, what, fix)
    # A serialized ONNX model starts with its IR version: field 1, a small number.
    cut = len(data) > 1 and data[0] == 8 and data[1] < 64
    raise _refused(
        source,
        f"{len(data)} bytes that begin with {data[:8]!r}" + (", as a damaged ONNX file does" if cut else ""),
        "export or copy it again" if cut else "name a .tflite or .onnx file",
    )


def _refused(source: str, received: str, fix: str) -> Refused:
    return Refused(f"formats: {source} must be a TFLite or ONNX file.", received=received, fix=fix)


def _listing(folder: str, missing: str = "") -> str:
    """What to name instead: a model in `folder`, the one most like `missing` first."""
    try:
        found = [os.path.join(folder, name) for name in os.listdir(folder or ".") if name.endswith(_ENDINGS)]
    except OSError:
        found = []
    if not found:
        return "name a .tflite or .onnx file; python -m export makes them"
    return nearest(missing, found) if missing else "name one of its files: " + ", ".join(sorted(found))
