"""Calls in forks of one process that has imported TensorFlow and never used it: what dies is replaced in no time.

TensorFlow must not have run anything before a fork, since its threads are not taken along; importing it starts none
that it needs.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import time
from contextlib import suppress
from typing import Any

from edgeproof.errors import Refused

_SAID = 300


def ready(format: str) -> None:
    """Import what the calls take, so that no fork has to."""
    import tensorflow as tf

    importlib.import_module("export.diagnosis.cut")
    importlib.import_module(f"export.formats.{format}")
    importlib.import_module("export.quantize.apply")
    assert tf.lite.TFLiteConverter  # TensorFlow imports its parts when they are first named
    if format == "onnx":
        importlib.import_module("tf2onnx")


def call(function: str, seconds: float, arguments: dict[str, Any]) -> dict[str, Any]:
    """Call "module:function" in a fork.

    Returns:
        `value`; or `kind` and `reason` of how it failed, as `export.worker.Crashed` names it, or "refused".
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reader)
        _answer(writer, function, arguments)
        os._exit(0)
    os.close(writer)
    text, late = _read(reader, time.monotonic() + seconds)
    os.close(reader)
    if late:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if late:
        return {"kind": "time", "reason": f"it took over {seconds:.0f} s"}
    if os.WIFSIGNALED(status):
        return {"kind": "died", "reason": f"it died of {signal.Signals(os.WTERMSIG(status)).name}"}
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError:
        return {"kind": "died", "reason": f"it ended with status {os.waitstatus_to_exitcode(status)}"}
    return found


def _answer(writer: int, function: str, arguments: dict[str, Any]) -> None:
    try:
        module, _, name = function.partition(":")
        found = {"value": getattr(importlib.import_module(module), name)(**arguments)}
    except Refused as refusal:
        found = {"kind": "refused", "reason": refusal.received[:_SAID]}
    except Exception as error:
        found = {"kind": type(error).__name__, "reason": str(error)[:_SAID]}
    with os.fdopen(writer, "w") as answers:
        json.dump(found, answers)


def _read(reader: int, deadline: float) -> tuple[bytes, bool]:
    """All that is written, and whether it took too long."""
    text = b""
    while True:
        ready, _, _ = select.select([reader], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return text, True
        piece = os.read(reader, 1 << 16)
        if not piece:
            return text, False
        text += piece
