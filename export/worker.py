"""Child processes that do what may crash: load foreign files, convert, run interpreters.

A child is long-lived, because importing TensorFlow costs seconds; when it dies the next call starts another.
Calls and answers are lines of JSON; arrays go through files. What libraries print goes to a log that a crash's
message quotes.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from edgeproof.errors import NewerContract, Refused, Unwritable

_KINDS = {kind.__name__: kind for kind in (NewerContract, Unwritable)}
_ROOT = Path(__file__).resolve().parent.parent
_QUOTED_LINES, _QUOTED_BYTES = 12, 1 << 13


class Crashed(RuntimeError):
    """The child died, hung or raised. `reason` is one line, `log` the end of what it printed."""

    def __init__(self, reason: str, log: str) -> None:
        self.reason, self.log = reason, log
        super().__init__(reason)


class Worker:
    """A child process that calls functions by name.

    Args:
        timeout: seconds that one call may take.
        environment: changes to the child's environment.
    """

    def __init__(self, *, timeout: float = 900.0, environment: Mapping[str, str] | None = None) -> None:
        self._timeout = timeout
        # Hash order reaches the node order of converters; a fixed seed makes their files repeatable.
        self._environment = {
            **os.environ,
            "PYTHONHASHSEED": "0",
            "TF_CPP_MIN_LOG_LEVEL": "2",
            "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH", "")])),
            **(environment or {}),
        }
        self._child: subprocess.Popen[bytes] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  as long-lived as the worker
        self._buffer = b""

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, function: str, **arguments: Any) -> Any:
        """Call "module:function" in the child with JSON arguments and give its JSON answer.

        Raises:
            Refused: the function refused.
            Crashed: it raised anything else, died, or took longer than the timeout. The next call starts afresh.
        """
        if self._child and self._child.poll() is not None:
            self.close()  # it died between two calls, and the new call is not to blame
        child = self._child or self._start()
        self._log.seek(0, os.SEEK_END)
        begun = self._log.tell()
        assert child.stdin
        try:
            child.stdin.write(json.dumps({"call": function, "arguments": arguments}).encode() + b"\n")
            child.stdin.flush()
            answer = json.loads(self._line(child))
        except (BrokenPipeError, EOFError, ValueError):
            raise Crashed(self._end(child), self._printed(begun)) from None
        if "refused" in answer:
            kind, rule, received, fix = answer["refused"]
            raise _KINDS.get(kind, Refused)(rule, received=received, fix=fix)
        if "error" in answer:
            raise Crashed(answer["error"], answer["traceback"] + self._printed(begun))
        return answer["value"]

    def close(self) -> None:
        """End the child."""
        if self._child:
            self._child.kill()
            self._child.wait()
            for pipe in (self._child.stdin, self._child.stdout):
                if pipe:
                    with suppress(BrokenPipeError):  # of a request that the dead child never took
                        pipe.close()
        self._child, self._buffer = None, b""

    def _start(self) -> subprocess.Popen[bytes]:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "export.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=self._environment,
        )
        return self._child

    def _line(self, child: subprocess.Popen[bytes]) -> bytes:
        assert child.stdout
        deadline = time.monotonic() + self._timeout
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([child.stdout], [], [], max(0.0, left))
            if not ready:
                child.kill()
                raise EOFError
            piece = os.read(child.stdout.fileno(), 1 << 16)
            if not piece:
                raise EOFError
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _end(self, child: subprocess.Popen[bytes]) -> str:
        try:
            status = child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            child.kill()
            status = child.wait()
        self.close()
        if status == -signal.SIGKILL:
            return f"the converter's process was killed (out of memory, or over {self._timeout:.0f} s)"
        if status < 0:
            return f"the converter's process died of {signal.Signals(-status).name}"
        return f"the converter's process ended with status {status}"

    def _printed(self, begun: int) -> str:
        end = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(begun, end - _QUOTED_BYTES))
        lines = self._log.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-_QUOTED_LINES:])


def serve() -> None:
    """The child's side: answer calls until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    # Whatever libraries print must not land between the answers.
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        answers.write(json.dumps(_answer(request)) + "\n")
        answers.flush()


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        module, _, function = request["call"].partition(":")
        return {"value": getattr(importlib.import_module(module), function)(**request["arguments"])}
    except Refused as refusal:
        return {"refused": [type(refusal).__name__, refusal.rule, refusal.received, refusal.fix]}
    except Exception as error:
        lines = str(error).strip().splitlines() or [""]
        return {"error": f"{type(error).__name__}: {lines[0]}", "traceback": traceback.format_exc()}


if __name__ == "__main__":
    serve()
