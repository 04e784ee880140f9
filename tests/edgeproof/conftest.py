"""The exported LeNet-5 as the runner sees it, files made from it that it must cope with, and its command line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof import runner
from edgeproof.contract import Contract

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Said:
    """What a command said."""

    status: int
    out: str
    err: str

    def refused(self) -> str:
        """The message of a refusal: its three lines and nothing else, on standard error, with status 2."""
        assert (self.status, self.out) == (2, ""), self
        assert re.fullmatch(r"[a-z]+: [a-z]+: .+\.\n  received: .+\n  fix: .+\n", self.err), self.err
        return self.err


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """`edgeproof ARGUMENTS` in this process."""
    from edgeproof.cli import main

    def run(*arguments: object) -> Said:
        capfd.readouterr()
        status = main([str(argument) for argument in arguments])
        return Said(status, *capfd.readouterr())

    return run


@pytest.fixture(scope="session")
def python() -> Callable[..., Said]:
    """`python ARGUMENTS` as a process of its own, from the root of the checkout, with buffers as a user has them."""

    def run(*arguments: object, **options: Any) -> Said:
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"} | options.pop("env", {})
        command = [sys.executable, *map(os.fspath, arguments)]  # type: ignore[call-overload]
        options = {"capture_output": True, "cwd": ROOT, "timeout": 120} | options
        done = subprocess.run(command, env=environment, text=True, **options)
        return Said(done.returncode, done.stdout or "", done.stderr or "")

    return run


@pytest.fixture(scope="session")
def artifacts(exported: Path) -> dict[str, Path]:
    """The exported files: "f32" and "int8" in TFLite, "onnx"."""
    export = exported / "export"
    return {
        "f32": export / "lenet5.f32.tflite",
        "int8": export / "lenet5.int8.tflite",
        "onnx": export / "lenet5.f32.onnx",
    }


@pytest.fixture(scope="session")
def models(artifacts: dict[str, Path]) -> dict[str, runner.Model]:
    """The exported files, loaded."""
    return {name: runner.load(path) for name, path in artifacts.items()}


@pytest.fixture(scope="session")
def digits(exported: Path) -> tuple[np.ndarray, np.ndarray]:
    """Raw evaluation samples (450, 8, 8) uint8, and their labels."""
    with np.load(exported / "samples.npz") as archive:
        return archive["evaluation_image"], archive["evaluation_label"]


@pytest.fixture(scope="session")
def rewrite(schema: Any) -> Callable[[bytes, Callable[[Any], None]], bytes]:
    """A .tflite file, changed through the schema's own object form of it."""
    flatbuffers = pytest.importorskip("flatbuffers")

    def change(data: bytes, act: Callable[[Any], None]) -> bytes:
        model = schema.ModelT.InitFromPackedBuf(bytearray(data), 0)
        act(model)
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    return change


@pytest.fixture(scope="session")
def with_contract(rewrite: Callable[..., bytes], artifacts: dict[str, Path]) -> Callable[[str | bytes | None], bytes]:
    """The float TFLite file with other bytes where its contract was, or with no contract (None)."""

    def change(text: str | bytes | None) -> bytes:
        def act(model: Any) -> None:
            entry = next(m for m in model.metadata if m.name == Contract.KEY.encode())
            if text is None:
                model.metadata.remove(entry)
            else:
                body = text.encode() if isinstance(text, str) else text
                model.buffers[entry.buffer].data = np.frombuffer(body, np.uint8)

        return rewrite(artifacts["f32"].read_bytes(), act)

    return change


@pytest.fixture(scope="session")
def foreign(with_contract: Callable[..., bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A .tflite file that carries no contract."""
    path = tmp_path_factory.mktemp("foreign") / "foreign.tflite"
    path.write_bytes(with_contract(None))
    return path


@pytest.fixture(scope="session")
def build_onnx() -> Callable[..., bytes]:
    """A function that writes a small .onnx file from nodes, ends and constants."""
    onnx = pytest.importorskip("onnx")

    def build(
        nodes: Sequence[tuple[str, list[str], list[str]]],
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        constants: dict[str, np.ndarray] | None = None,
        contract: Contract | None = None,
    ) -> bytes:
        helper = onnx.helper
        graph = helper.make_graph(
            [helper.make_node(*node) for node in nodes],
            "graph",
            [end if not isinstance(end, tuple) else helper.make_tensor_value_info(*end) for end in inputs],
            [end if not isinstance(end, tuple) else helper.make_tensor_value_info(*end) for end in outputs],
            [onnx.numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
        )
        model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])
        if contract:
            helper.set_model_props(model, {Contract.KEY: contract.to_json()})
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())

    return build


@pytest.fixture(scope="session")
def embedding(build_onnx: Callable[..., bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An .onnx file that takes int32 tokens (1, 3), looks them up in a table of 5 rows, and gives (1, 3, 2)."""
    onnx = pytest.importorskip("onnx")
    data = build_onnx(
        [("Gather", ["table", "tokens"], ["vectors"])],
        [("tokens", onnx.TensorProto.INT32, [1, 3])],
        [("vectors", onnx.TensorProto.FLOAT, [1, 3, 2])],
        {"table": np.arange(10, dtype=np.float32).reshape(5, 2)},
    )
    path = tmp_path_factory.mktemp("embedding") / "embedding.onnx"
    path.write_bytes(data)
    return path
