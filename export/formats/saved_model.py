"""TensorFlow SavedModel: a folder with a named signature and a free batch axis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeproof.contract import Contract
from export import lone
from export.formats import Format, Look, Made

if TYPE_CHECKING:
    from export.source import Source

ASSET = "edgeproof.contract.json"


def convert(source: Source, precision: str, path: Path) -> Made:
    """Write the folder. The contract's place is kept by an asset file that `embed` fills."""
    import tempfile

    import tensorflow as tf

    from export.source import Form

    with tempfile.TemporaryDirectory() as scratch:
        placeholder = Path(scratch) / ASSET
        placeholder.write_text("null")
        source.save(path, None, Form.KERAS, contract=tf.saved_model.Asset(str(placeholder)))
    return Made({}, {"signature": "serving_default"})


def embed(path: Path, contract: Contract) -> None:
    """Write the contract into its asset file."""
    (path / "assets" / ASSET).write_text(contract.to_json(indent=2))


def look(path: Path) -> Look:
    """Operators and dtypes of the signature, and the asset."""
    import tensorflow as tf

    function = tf.saved_model.load(str(path)).signatures["serving_default"]
    specs = (*function.structured_input_signature[1].values(), *function.structured_outputs.values())
    dtypes = {spec.dtype for spec in specs if spec.dtype.is_floating}
    text = (path / "assets" / ASSET).read_text()
    return Look(
        precision="f32" if dtypes <= {tf.float32} else "mixed",
        floats=(),
        operators=operators(function.graph.as_graph_def()),
        contract=None if text == "null" else Contract.from_json(text, source=str(path)),
    )


def session(path: Path, runtime: str) -> Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]:
    """Call the signature with named inputs."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    signature = loaded.signatures["serving_default"]
    # A name that is no word in Python has another as an argument.
    arguments = {spec.name: argument for argument, spec in signature.structured_input_signature[1].items()}

    def run(batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        assert loaded is not None  # the function lives only as long as the object it came from
        results = signature(**{arguments[name]: tf.constant(values) for name, values in batch.items()})
        return {name: value.numpy() for name, value in results.items()}

    return lone.stepped(run, look(path).contract)


def operators(graph: Any) -> dict[str, int]:
    """Operators of a GraphDef and of the functions that it calls, without bookkeeping."""
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    skip = {"Const", "Placeholder", "Identity", "NoOp", "ReadVariableOp", "StatefulPartitionedCall", "PartitionedCall"}
    return dict(sorted(Counter(node.op for node in nodes if node.op not in skip).items()))


FORMAT = Format(
    title="TensorFlow SavedModel",
    precisions=("f32",),
    suffix=".saved_model",
    runtimes=("tensorflow",),
    convert=convert,
    embed=embed,
    look=look,
    session=session,
    needs_tensorflow=True,
)
