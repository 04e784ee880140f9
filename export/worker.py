"""Child processes that do what may crash: load foreign files, convert, run interpreters.

A child is long-lived, because importing TensorFlow costs seconds; when it dies the next call starts another.
Calls and answers are lines of JSON; arrays go through files. What libraries print goes to a log that a crash's
message quotes.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import re
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
from export import family, memory
from export.limits import DEFAULT, Limits

_KINDS = {kind.__name__: kind for kind in (NewerContract, Unwritable)}
_ROOT = Path(__file__).resolve().parent.parent
_QUOTED_LINES, _QUOTED_BYTES = 12, 1 << 13
_LARGEST_ANSWER, _LARGEST_LOG = 1 << 28, 1 << 30
_LONGEST = 1000  # of an error's first line
_LOOKS = 0.1  # seconds between two looks at a child's memory, in which one can take some 300 MB
_BACKSTOP = 2  # times the limit, at which the kernel itself gives a process no more


# How TensorFlow marks an error in the text of another.
_NAMED = re.compile(r"\w+(Error|Exception): ")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Crashed(RuntimeError):
    """The child died, hung or raised.

    Attributes:
        reason: one line.
        log: the end of what it printed.
        kind: "died", "killed", "time", "memory", "output", or the name of the exception.
    """

    def __init__(self, reason: str, log: str, kind: str = "died") -> None:
        self.reason, self.log, self.kind = reason, log, kind
        super().__init__(reason)


class _Over(Exception):
    """The child went over a limit, and is to be ended."""

    def __init__(self, kind: str, reason: str) -> None:
        self.kind, self.reason = kind, reason
        super().__init__(reason)


class Worker:
    """A child process that calls functions by name. What it starts itself ends with it.

    Args:
        timeout: seconds that one call may take, if less than the limits'.
        environment: changes to the child's environment.
        limits: of one call.
    """

    def __init__(
        self,
        *,
        timeout: float | None = None,
        environment: Mapping[str, str] | None = None,
        limits: Limits = DEFAULT,
    ) -> None:
        self.limits, self._changes = limits, environment
        self._timeout = limits.seconds if timeout is None else min(timeout, limits.seconds)
        # Hash order reaches the node order of converters; a fixed seed makes their files repeatable.
        self._environment = {
            **os.environ,
            "PYTHONHASHSEED": "0",
            "TF_CPP_MIN_LOG_LEVEL": "2",
            "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH", "")])),
            **(environment or {}),
            **family.marked(),
        }
        self._child: subprocess.Popen[bytes] | None = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  as long-lived as the worker
        self._buffer = bytearray()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, function: str, /, **arguments: Any) -> Any:
        """Call "module:function" in the child with JSON arguments and give its JSON answer.

        Raises:
            Refused: the function refused.
            Crashed: it raised anything else, died, or went over a limit. The next call starts afresh.
        """
        if self._child and self._child.poll() is not None:
            self.close()  # it died between two calls, and the new call is not to blame
        child = self._child or self._start()
        begun = self._log.seek(0, os.SEEK_END)
        try:
            line = self._asked(child, json.dumps({"call": function, "arguments": arguments}).encode() + b"\n", begun)
            answer = json.loads(line)
        except _Over as over:
            self.close()
            raise Crashed(over.reason, self._printed(begun), over.kind) from None
        except (BrokenPipeError, EOFError, ValueError):
            kind, reason = self._end(child)
            raise Crashed(reason, self._printed(begun), kind) from None
        except BaseException:  # the parent is interrupted, and the answer to this call would be taken for the next's
            self.close()
            raise
        if "refused" in answer:
            kind, rule, received, fix = answer["refused"]
            raise _KINDS.get(kind, Refused)(rule, received=received, fix=fix)
        if "error" in answer:
            raise Crashed(answer["error"], answer["traceback"] + self._printed(begun), answer["error"].split(":")[0])
        return answer["value"]

    def another(self) -> Worker:
        """A worker of the same kind, with no child yet."""
        return Worker(timeout=self._timeout, environment=self._changes, limits=self.limits)

    def within(self, seconds: float) -> None:
        """Give the calls to come no more than this time, nor more than the limits'."""
        self._timeout = min(seconds, self.limits.seconds)

    def close(self) -> None:
        """End the child and all that it started."""
        if self._child:
            self._child.kill()
            family.end(self._child.pid, family.mark_of(self._environment))
            self._child.wait()
            for pipe in (self._child.stdin, self._child.stdout):
                if pipe:
                    with suppress(BrokenPipeError):  # of a request that the dead child never took
                        pipe.close()
        if self._scratch:
            self._scratch.cleanup()
        self._child, self._buffer = None, bytearray()

    def _start(self) -> subprocess.Popen[bytes]:
        # Its own, for it ends by a signal and tidies nothing away: converters and TensorFlow leave files.
        self._scratch = tempfile.TemporaryDirectory(
            prefix="edgeproof-", dir=self._environment.get("TMPDIR"), ignore_cleanup_errors=True
        )
        self._child = subprocess.Popen(
            [sys.executable, "-m", "export.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**self._environment, "TMPDIR": self._scratch.name},
            start_new_session=True,
            bufsize=0,
        )
        assert self._child.stdin
        os.set_blocking(self._child.stdin.fileno(), False)
        with suppress(OSError):  # if memory runs out all the same, it is the child that goes
            Path(f"/proc/{self._child.pid}/oom_score_adj").write_text("1000")
        if sys.platform == "linux" and self.limits.memory:
            import resource

            most = _BACKSTOP * self.limits.memory
            with suppress(OSError, ValueError):
                resource.prlimit(self._child.pid, resource.RLIMIT_DATA, (most, most))
        return self._child

    def _asked(self, child: subprocess.Popen[bytes], request: bytes, begun: int) -> bytes:
        """The line that the child answers, within its limits."""
        assert child.stdin
        assert child.stdout
        begin = time.monotonic()
        look, left, searched = begin + _LOOKS, memoryview(request), 0  # most calls are shorter than a look
        while True:
            found = self._buffer.find(b"\n", searched)
            if found >= 0:
                line = bytes(self._buffer[:found])
                del self._buffer[: found + 1]
                return line
            searched = len(self._buffer)
            now = time.monotonic()
            if now >= begin + self._timeout:
                raise _Over("time", f"the converter's process took over {self._timeout:.0f} s")
            if now >= look:
                self._look(child, begun)
                # A machine of many processes is looked at less often, so that it costs some percent at most.
                look = time.monotonic() + max(_LOOKS, 20 * (time.monotonic() - now))
            wait = max(0.0, min(look, begin + self._timeout) - time.monotonic())
            ready, writable, _ = select.select([child.stdout], [child.stdin] if left else [], [], wait)
            if ready:
                piece = os.read(child.stdout.fileno(), 1 << 16)
                if not piece:
                    raise EOFError
                self._buffer += piece
                if len(self._buffer) > _LARGEST_ANSWER:
                    raise _Over("output", f"the converter's process answered more than {_size(_LARGEST_ANSWER)}")
            elif writable:
                left = left[os.write(child.stdin.fileno(), left[: 1 << 16]) :]

    def _look(self, child: subprocess.Popen[bytes], begun: int) -> None:
        most = self.limits.memory
        if most and family.resident(child.pid) > most:
            raise _Over("memory", f"the converter's process used more than {_size(most)} of memory")
        if os.fstat(self._log.fileno()).st_size - begun > _LARGEST_LOG:
            raise _Over("output", f"the converter's process printed more than {_size(_LARGEST_LOG)}")

    def _end(self, child: subprocess.Popen[bytes]) -> tuple[str, str]:
        """Kind and reason."""
        try:
            status = child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            child.kill()
            status = child.wait()
        self.close()
        if status == -signal.SIGKILL:
            return "killed", "the converter's process was killed from outside, as a machine does when memory runs out"
        if status < 0:
            return "died", f"the converter's process died of {signal.Signals(-status).name}"
        return "died", f"the converter's process ended with status {status}"

    def _printed(self, begun: int) -> str:
        end = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(begun, end - _QUOTED_BYTES))
        lines = self._log.read().decode(errors="replace").splitlines()
        self._log.seek(0)
        self._log.truncate()
        return "\n".join(lines[-_QUOTED_LINES:])


def _size(count: int) -> str:
    return f"{count / (1 << 30):.3g} GB"


def serve() -> None:
    """The child's side: answer calls until standard input ends."""
    if sys.platform == "linux":
        # It ends with its parent even in the middle of a conversion (PR_SET_PDEATHSIG).
        memory.libc("prctl", 1, signal.SIGKILL)
    memory.settle()
    answers = os.fdopen(os.dup(1), "w")
    # Whatever libraries print must not land between the answers.
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        answers.write(json.dumps(_answer(request)) + "\n")
        answers.flush()
        memory.sweep()


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        module, _, function = request["call"].partition(":")
        return {"value": getattr(importlib.import_module(module), function)(**request["arguments"])}
    except Refused as refusal:
        return {"refused": [type(refusal).__name__, refusal.rule, refusal.received, refusal.fix]}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {_said(error)[:_LONGEST]}", "traceback": _traceback()}


def _said(error: Exception) -> str:
    """An exception in one line."""
    lines = [_COLOURS.sub("", line).strip() for line in str(error).strip().splitlines()]
    if not lines:
        return "no more memory" if isinstance(error, MemoryError) else ""
    if lines[0].startswith("Exception encountered when calling"):  # Keras; the error itself, then all arguments
        told = itertools.takewhile(lambda line: not line.startswith("Arguments received"), lines)
        return " ".join(filter(None, told))
    # What TensorFlow says of an error while it traces ends with the error itself, after the code that led there.
    named = [index for index, line in enumerate(lines) if _NAMED.match(line)] if lines[0] == "in user code:" else []
    return " ".join(line for line in lines[named[-1] :] if line) if named else lines[0]


def _traceback() -> str:
    """Of the exception at hand; errors that quote whole graphs are cut in their middle."""
    text = traceback.format_exc()
    half = _QUOTED_BYTES
    return text if len(text) <= 2 * half else f"{text[:half]}\n...\n{text[-half:]}"


if __name__ == "__main__":
    serve()
