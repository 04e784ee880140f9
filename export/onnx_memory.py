"""tf2onnx without its copies of the weights, which add up to dozens and are what a large model fails by.

Three habits of tf2onnx 1.17 are left out in here; what it writes stays the same to the byte. Before each rewrite it
copies the whole graph, to have it back if the rewrite fails. After each it writes every node's attributes, constants
among them, into the node's protobuf anew, and a message of protobuf 4 and later gives the room of what was in it back
only when it goes itself. And graphs that freezing leaves behind refer to themselves, so that they stay until someone
looks for such.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from export import memory

_CATCHES = "TF2ONNX_CATCH_ERRORS"
_KEPT = ("op_type", "name", "domain", "doc_string")  # what a node's protobuf alone holds


@contextmanager
def thrift(*, copies: bool = False) -> Iterator[None]:
    """In here tf2onnx keeps no copies.

    Args:
        copies: let it copy graphs all the same, so that a rewrite that fails is left out.
    """
    from tf2onnx import tf_loader
    from tf2onnx.graph import Node

    write, fold, before = Node.update_proto, tf_loader.tf_optimize, os.environ.get(_CATCHES)

    def update_proto(self: Any, *arguments: Any, **named: Any) -> None:
        stated = {name: getattr(self._op, name) for name in _KEPT if self._op.HasField(name)}
        self._op = type(self._op)(**stated)
        write(self, *arguments, **named)

    def tf_optimize(*arguments: Any) -> Any:
        memory.sweep()
        return fold(*arguments)

    # Being there is what counts: tf2onnx compares the variable's name, not its value, with "TRUE".
    os.environ.pop(_CATCHES, None)
    if not copies:
        os.environ[_CATCHES] = "FALSE"
    Node.update_proto, tf_loader.tf_optimize = update_proto, tf_optimize
    try:
        yield
    finally:
        Node.update_proto, tf_loader.tf_optimize = write, fold
        os.environ.pop(_CATCHES, None)
        if before is not None:
            os.environ[_CATCHES] = before
