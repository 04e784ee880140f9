"""What a child does with a file that nobody vouches for, under an auditor that notes what no reader may do.

The child finds this module on its PYTHONPATH.
"""

import json
import os
import sys
import tempfile

from edgeproof.errors import Refused

_BANNED = (
    "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "subprocess.Popen", "socket.connect",
    "socket.bind", "socket.getaddrinfo", "pickle.find_class", "webbrowser.open", "ftplib.connect", "urllib.Request",
    "os.chmod", "os.chown", "os.link", "os.symlink", "os.putenv", "shutil.chown", "sqlite3.connect",
)  # fmt: skip
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PATHS = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "shutil.move", "shutil.rmtree",
          "shutil.copyfile", "shutil.unpack_archive", "shutil.make_archive")  # fmt: skip
# Asked for before the auditor listens: the first answer writes a file, under a lock that a second question waits for.
_TEMPORARY = os.path.realpath(tempfile.gettempdir()) + os.sep
_noted = []
_watching = False
_READABLE = ("/proc", "/sys", "/dev", "/usr", "/lib", "/etc/localtime", sys.prefix, sys.base_prefix)


def _audit(event, arguments):
    if not _watching:
        return
    if event in _BANNED or event.split("/")[0] in _BANNED:
        _noted.append(f"{event} {arguments!r:.200}")
    elif event == "marshal.loads" and "importlib" not in sys._getframe(1).f_code.co_filename:
        _noted.append(event)
    elif event == "open" and isinstance(arguments[0], (str, bytes, os.PathLike)):
        path, mode, flags = arguments
        writes = (isinstance(mode, str) and set("wax+") & set(mode)) or (isinstance(flags, int) and flags & _WRITES)
        if writes and not _scratch(path):
            _noted.append(f"open {path!r} to write")
        elif os.fsdecode(path) in ("/etc/passwd", os.environ.get("FUZZ_OUTSIDE", "")):
            _noted.append(f"open {path!r} to read")
    elif event in _PATHS and not all(_scratch(path) for path in _places(arguments)):
        _noted.append(f"{event} {arguments!r:.200}")


def _places(arguments):
    """The paths of an event; what is relative to an open folder, by the folder's own name."""
    paths = [a for a in arguments[:2] if isinstance(a, (str, bytes))]
    folder = arguments[-1] if len(arguments) > 1 and isinstance(arguments[-1], int) and arguments[-1] >= 0 else None
    if folder is None or len(paths) != 1:
        return paths
    return [os.path.join(os.readlink(f"/proc/self/fd/{folder}"), os.fsdecode(paths[0]))]


def _scratch(path):
    """Whether a path lies where a process may write: its temporary folder, or Python's own caches of code."""
    path = os.path.realpath(os.fsdecode(path))
    return path.startswith(_TEMPORARY) or path == "/dev/null" or path.endswith(".pyc")


sys.addaudithook(_audit)


def _watched(function, *arguments):
    """What came of it, and what was noted meanwhile."""
    global _watching
    _noted.clear()
    _watching = True
    try:
        outcome = function(*arguments)
    except Refused as refusal:
        parts = (refusal.rule, refusal.received, refusal.fix)
        outcome = (
            "refused" if all(parts) and len(refusal.rule) < 500 else f"refused without a clear reason: {parts!r:.300}"
        )
        if len(refusal.received) + len(refusal.fix) > 4000:
            outcome = f"refused at length: {refusal.rule} {len(refusal.received)} {len(refusal.fix)}"
        str(refusal).encode("utf-8", "replace")
    finally:
        _watching = False
    return {"outcome": outcome, "noted": list(_noted), "peak": _peak()}


def _peak():
    """Most resident bytes since the program began; getrusage would count the process that it was forked from."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))


def warm(load=False, run=False):
    """Import what reading takes, so that no limit is spent on it. The peak before anything is read."""
    import edgeproof.formats
    import export.checkpoint

    if run:
        import ai_edge_litert.interpreter
        import onnxruntime

        import edgeproof.runner

        assert ai_edge_litert.interpreter
        assert onnxruntime
    if load:
        import export.checkpoint.load
    assert edgeproof.formats
    assert export.checkpoint
    return _peak()


def checkpoint(path):
    """Read a checkpoint, as every command does first."""
    return _watched(_checkpoint, path)


def _checkpoint(path):
    from export.checkpoint import examine

    told = examine(path)
    json.dumps(told, allow_nan=False)
    return "missing" if told["missing"] else "read"


def load(path):
    """Load a checkpoint that was read."""
    return _watched(_load, path)


def _load(path):
    from export.checkpoint import Opening
    from export.checkpoint.load import load as opened

    opened(Opening.of(path)).model.count_params()
    return "loaded"


def artifact(path):
    """Say what a .tflite or .onnx file is."""
    return _watched(_artifact, path)


def _artifact(path):
    from edgeproof import formats

    summary = formats.read(path)
    formats.precision(summary)
    for operator in summary.operators:
        assert all(-1 <= i < len(summary.tensors) for i in (*operator.inputs, *operator.outputs))
    _ = summary.contract
    return "read"


def run(path, kernels):
    """Run a file that was read, as a device does."""
    return _watched(_run, path, kernels)


def _run(path, kernels):
    import numpy as np

    import edgeproof

    model = edgeproof.load(path, kernels=kernels)
    feeds = {}
    for port in model.session.inputs:
        shape = [side or 1 for side in port.shape]
        if np.prod(shape, dtype=float) > 1 << 24:
            return "run: input too large to make"
        feeds[port.name] = np.zeros(shape, port.dtype)
    model.session([feeds[port.name] for port in model.session.inputs])
    return "run"


def contract(text):
    """Read a contract."""
    return _watched(_contract, text)


def _contract(text):
    from edgeproof.contract import Contract

    read = Contract.from_json(bytes.fromhex(text))
    assert Contract.from_json(read.to_json()) == read
    return "read"


def misbehave(deed, path):
    """What no reader may do, to see that it would be seen."""
    return _watched(_misbehave, deed, path)


def _misbehave(deed, path):
    if deed == "run":
        with open(os.environ["FUZZ_CANARY"], "w"):
            return "read"
    if deed == "write":
        with open(path, "r+b"):
            return "read"
    if deed == "read":
        with open(path, "rb"):
            return "read"
    os.system("true")
    return "read"
