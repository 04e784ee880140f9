"""Damage to JSON: values of the wrong kind, of absurd size or depth, and words that a careless reader would run."""

from __future__ import annotations

import base64
import copy
import marshal
import random
from typing import Any


class Bait:
    """Text that does something if it is ever run: it makes the file `canary`."""

    def __init__(self, canary: str) -> None:
        self.code = f"__import__('pathlib').Path({canary!r}).touch()"
        compiled = compile(f"(lambda *a: ({self.code}, a[0])[1])", "bait", "eval").co_consts[0]
        self.bytecode = base64.b64encode(marshal.dumps(compiled)).decode()
        self.words = (
            self.code, f"eval({self.code!r})", "os.system", "builtins.eval", "builtins", "os", "subprocess", "pickle",
            "__import__", "Lambda", "__lambda__", "TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer", "TFSMLayer",
            "no_such_class", "keras.src.utils.file_utils", "keras.utils", "numpy", "edgeproof>TensorFunction",
            "edgeproof_tests>Trap", "FlaxLayer", "JaxLayer", "TorchModuleWrapper", "get_file", "../../escape",
            "/etc/passwd", "\0", "\ud800", "x" * 100_000, "é" * 500, "", "{}", "{0.__class__}", "%n%s", "nan",
        )  # fmt: skip
        self.objects: tuple[Any, ...] = (
            {"class_name": "Lambda", "config": {"name": "l", "function": [self.bytecode, None, None],
             "function_type": "lambda"}},
            {"class_name": "Lambda", "module": "keras.layers", "registered_name": None, "config": {"name": "l",
             "function": {"class_name": "__lambda__", "config": {"code": self.bytecode, "defaults": None,
             "closure": None}}}},
            {"class_name": "__lambda__", "config": {"code": self.bytecode, "defaults": None, "closure": None}},
            {"class_name": "function", "config": "system", "module": "os", "registered_name": "system"},
            {"class_name": "function", "config": "eval", "module": "builtins", "registered_name": "eval"},
            {"class_name": "system", "module": "os", "config": self.code, "registered_name": None},
            {"class_name": "Popen", "module": "subprocess", "config": {"args": ["touch", canary]}},
            {"class_name": "TFSMLayer", "module": "keras.layers", "config": {"filepath": canary}},
            {"class_name": "__numpy__", "config": {"value": [1, 2], "dtype": "object"}},
            {"class_name": "__tensor__", "config": {"value": [[1]], "dtype": "variant"}},
            {"class_name": "__bytes__", "config": {"value": self.code}},
            {"class_name": "__ellipsis__", "config": {}},
            {"class_name": "__typespec__", "spec_name": "TensorSpec", "module": "os", "config": [[1], "float32"]},
            {"class_name": "get_file", "module": "keras.utils", "registered_name": None,
             "config": {"fname": canary, "origin": "file://" + canary}},
            {"class_name": "TextVectorization", "module": "keras.layers", "config": {"vocabulary": canary}},
            {"class_name": "StringLookup", "module": "keras.layers", "config": {"vocabulary": "/etc/passwd"}},
        )  # fmt: skip


_NUMBERS = (
    0, 1, -1, 2, 3, 7, 255, 1 << 16, 1 << 31, -(1 << 31), (1 << 31) - 1, 1 << 40, 1 << 62, 1 << 63, 1 << 64, 10**30,
    -(10**30), 0.5, -0.0, 1e-300, 1e300, float("inf"), float("nan"), True, False, None,
)  # fmt: skip
_KEYS = (
    "class_name", "config", "module", "registered_name", "name", "layers", "inbound_nodes", "build_config", "function",
    "units", "filters", "batch_shape", "dtype", "activation", "shared_object_id", "graphs", "version", "__proto__", "",
)  # fmt: skip


def change(value: Any, bait: Bait, rng: random.Random) -> Any:
    """A copy with one to eight places changed."""
    value = copy.deepcopy(value)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        value = _once(value, bait, rng)
    return value


def _once(value: Any, bait: Bait, rng: random.Random) -> Any:
    places = list(_places(value))
    if not places:
        return _odd(value, bait, rng)
    # Keys that decide what is built are met as often as all the others together.
    telling = [place for place in places if place[1] in _KEYS]
    parent, key = rng.choice(telling if telling and rng.random() < 0.5 else places)
    match rng.randrange(9):
        case 0:
            del parent[key]
        case 1 if isinstance(parent, dict):
            parent[rng.choice(_KEYS) if rng.random() < 0.7 else rng.choice(bait.words)] = _odd(None, bait, rng)
        case 2:
            other, name = rng.choice(places)
            parent[key] = copy.deepcopy(other[name]) if _small(other) else None
        case 3 if isinstance(parent, list):
            parent.insert(key, copy.deepcopy(parent[key]))
        case 4 if isinstance(parent, list):
            rng.shuffle(parent)
        case 5 if rng.random() < 0.2:
            parent[key] = _deep(rng)
        case 6 if rng.random() < 0.2 and isinstance(parent, list):
            parent[key:key] = [copy.deepcopy(parent[key])] * rng.choice((10, 1000))
        case _:
            parent[key] = _odd(parent[key], bait, rng)
    return value


def _odd(was: Any, bait: Bait, rng: random.Random) -> Any:
    match rng.randrange(6):
        case 0:
            return rng.choice(_NUMBERS)
        case 1:
            return rng.choice(bait.words)
        case 2:
            return copy.deepcopy(rng.choice(bait.objects))
        case 3:
            return [was] * rng.choice((0, 1, 2, 65))
        case 4 if isinstance(was, (int, float)) and not isinstance(was, bool):
            return rng.choice((-was, was * 1000, was + 1, was - 1, float(was), str(was)))
        case 5:
            return {"key": was}
    return rng.choice(([], {}, "", "a", [[]], [None], {"a": 1}))


def _deep(rng: random.Random) -> Any:
    value: Any = 1
    for _ in range(rng.choice((50, 500, 900))):
        value = [value] if rng.random() < 0.5 else {"config": value}
    return value


def _places(value: Any) -> list[tuple[Any, Any]]:
    places: list[tuple[Any, Any]] = []
    stack = [value]
    while stack:
        node = stack.pop()
        entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, inner in entries:
            places.append((node, key))
            stack.append(inner)
    return places


def _small(value: Any) -> bool:
    return len(_places(value)) < 2000
