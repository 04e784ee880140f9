"""The walls between the rooms: who may import whom, lazy imports within functions included."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("edgeproof", "models", "train", "export")
ELSEWHERE = ("tests", "benchmarks")  # may import everything, and so may be imported by none
INTERPRETERS = ("ai_edge_litert", "onnxruntime")


def imports(path: str, source: str) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything that a module imports, wherever in it.

    `from a import b` yields `a.b`, since b may be a module; `importlib.import_module` counts where its argument starts
    with a literal.
    """
    package = path.removesuffix(".py").split("/")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            parts = [*base, *([node.module] if node.module else [])]
            yield from ((node.lineno, ".".join([*parts, alias.name])) for alias in node.names)
        elif isinstance(node, ast.Call) and node.args:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            argument = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else node.args[0]
            if called in ("import_module", "__import__") and isinstance(argument, ast.Constant):
                yield node.lineno, str(argument.value)


def allowed(path: str, name: str) -> bool:
    """Whether the module at `path` may import `name`."""
    room, top = path.split("/")[0], name.split(".")[0]
    if top == room or top in sys.stdlib_module_names:
        return True
    if room == "edgeproof":
        return top in ("numpy", "PIL") or (top in INTERPRETERS and path.startswith("edgeproof/backends/"))
    if room == "models":
        return top in ("edgeproof", "keras", "numpy", "tensorflow")
    if room == "train":
        return top not in ("export", *ELSEWHERE)
    if room == "export":
        return top not in ("train", *ELSEWHERE) and (top != "models" or (name + ".").startswith("models.layers."))
    raise AssertionError(f"{room} is no room with walls")


def breaches(path: str, source: str) -> list[str]:
    return [f"{path}:{line} imports {name}" for line, name in imports(path, source) if not allowed(path, name)]


@pytest.mark.parametrize("room", ROOMS)
def test_room_imports_only_what_it_may(room: str) -> None:
    modules = sorted((ROOT / room).rglob("*.py"))
    assert modules, f"{room}/ has no modules: the walls stand around nothing"
    sources = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in modules}
    assert not [breach for path, source in sources.items() for breach in breaches(path, source)]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("edgeproof/runner.py", "import tensorflow as tf"),
        ("edgeproof/runner.py", "def load():\n    from keras import layers"),
        ("edgeproof/runner.py", "import ai_edge_litert.interpreter"),
        ("edgeproof/frontend/image.py", "from onnxruntime import InferenceSession"),
        ("edgeproof/cli/main.py", "if True:\n    import scipy"),
        ("edgeproof/cli/main.py", "import importlib\nimportlib.import_module('models.lenet5')"),
        ("edgeproof/contract.py", "from train.recipe import Recipe"),
        ("models/lenet5.py", "import train"),
        ("models/layers/rbf.py", "from sklearn import datasets"),
        ("train/loop.py", "from export import report"),
        ("train/loop.py", "__import__('export')"),
        ("train/loop.py", "from tests.helpers import x"),
        ("export/convert.py", "import train.registry"),
        ("export/convert.py", "def f(name):\n    return import_module(f'train.recipes.{name}')"),
        ("export/convert.py", "from models import lenet5"),
        ("export/convert.py", "import models.layers_of_another_kind"),
        ("export/convert.py", "import models"),
    ],
)
def test_a_breach_is_seen(path: str, source: str) -> None:
    assert breaches(path, source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("edgeproof/backends/tflite.py", "def open():\n    from ai_edge_litert import interpreter"),
        ("edgeproof/backends/onnx.py", "import onnxruntime"),
        ("edgeproof/frontend/image.py", "from PIL import Image\nimport numpy as np\nimport os.path"),
        ("edgeproof/frontend/image.py", "from . import steps\nfrom ..errors import Refused"),
        ("models/lenet5.py", "import keras\nfrom edgeproof import contract"),
        ("models/lenet5.py", "from models.layers import rbf\nfrom .layers import rbf"),
        ("train/loop.py", "import tensorflow, sklearn.datasets\nfrom models import lenet5\nfrom . import recipe"),
        (
            "export/convert.py",
            "import tf2onnx, edgeproof\nfrom models import layers\nfrom models.layers.rbf import Rbf",
        ),
    ],
)
def test_what_is_allowed_is_let_through(path: str, source: str) -> None:
    assert not breaches(path, source)
