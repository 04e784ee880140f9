"""Writing: how the next token is drawn, on graphs that see a window and on steps."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from edgeproof import formats, metrics
from edgeproof.contract import Contract, Decode, Emission, Frontend, Graph, State, Stream, Tensor
from edgeproof.decode import decided, truth
from edgeproof.decode.write import Taste, chances, drawn
from edgeproof.errors import Refused
from edgeproof.frontend import text
from edgeproof.runner import Model

LOGITS = np.array([9.0, 9.0, 2.0, 1.0, 3.0, 0.0])


def test_padding_and_the_unknown_are_never_drawn() -> None:
    found = chances(LOGITS, Taste(1.0))
    np.testing.assert_allclose(found, [0, 0, *special.softmax(LOGITS[2:])])
    assert chances(LOGITS, Taste(0)).tolist() == [0, 0, 0, 0, 1, 0]


def test_top_k_and_top_p_keep_the_likeliest() -> None:
    two = chances(LOGITS, Taste(1.0, top_k=2))
    np.testing.assert_allclose(two[[2, 4]], special.softmax([2.0, 3.0]))
    assert two[[3, 5]].tolist() == [0, 0]
    whole = special.softmax(LOGITS[2:])  # 0.24 0.09 0.64 0.03
    assert (chances(LOGITS, Taste(1.0, top_p=0.5)) > 0).sum() == 1
    assert (chances(LOGITS, Taste(1.0, top_p=0.7)) > 0).sum() == 2
    assert (chances(LOGITS, Taste(1.0, top_p=float(whole[2] + whole[0] + 0.01))) > 0).sum() == 3


@given(
    st.lists(st.floats(-30, 30), min_size=3, max_size=20),
    st.floats(0, 5),
    st.integers(0, 25),
    st.floats(0.01, 1),
)
def test_chances_are_a_distribution_that_keeps_the_order(
    logits: list[float], temperature: float, top_k: int, top_p: float
) -> None:
    found = chances(np.array(logits), Taste(temperature, top_k, top_p))
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()
    likeliest = int(np.argmax(logits[2:])) + 2
    assert found[likeliest] == found.max()
    assert (found > 0).sum() <= (top_k or len(logits))


def test_draws_have_their_chances_and_a_seed_repeats_them() -> None:
    def following(tokens: Sequence[int]) -> np.ndarray:
        return LOGITS

    one = list(itertools.islice(drawn(following, [2], Taste(1.0), 7), 4000))
    assert one[:50] == list(itertools.islice(drawn(following, [2], Taste(1.0), 7), 50))
    counts = np.bincount(one, minlength=6) / len(one)
    np.testing.assert_allclose(counts, chances(LOGITS, Taste(1.0)), atol=0.03)


@pytest.mark.parametrize("bad", [{"temperature": -1.0}, {"temperature": float("nan")}, {"top_k": -1}, {"top_p": 0.0}])
def test_tastes_that_can_not_be_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="top_p above 0"):
        Taste(**bad)


@given(st.integers(1, 4), st.integers(2, 6), st.integers(2, 5), st.integers(0, 99))
def test_compression_is_the_cross_entropy_of_what_follows(n: int, steps: int, tokens: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    outputs, said = rng.normal(size=(n, steps, tokens)) * 5, rng.integers(0, tokens, (n, steps))
    decode = Decode("write", "y")
    wanted = truth(decode, None, [said], outputs, source="s")
    assert wanted is said
    bits = [
        np.mean([-np.log2(special.softmax(outputs[i, t])[said[i, t + 1]]) for t in range(steps - 1)]) for i in range(n)
    ]
    np.testing.assert_allclose(metrics.compression(outputs, said), 1 - np.array(bits) / 8)
    np.testing.assert_array_equal(decided(outputs, decode), outputs.argmax(axis=-1))


CHARACTERS: dict[str, Any] = {"op": "characters", "vocabulary": "abc ", "length": 4, "fill": "after"}


def test_a_prompt_is_numbered_whole_and_what_follows_is_told_in_pieces() -> None:
    given_ = text.numbered("abc abc abc", CHARACTERS)
    assert len(given_) == 11
    assert list(text.pieced([2, 5, 3], given_, CHARACTERS)) == ["a", " ", "b"]
    words: dict[str, Any] = {"op": "words", "vocabulary": ["hi", ",", "you"], "length": 4}
    assert "".join(text.pieced([3, 4], text.numbered("hi", words), words)) == ", you"
    pairs: dict[str, Any] = {"op": "pairs", "vocabulary": [], "length": 4}
    pieces = list(text.pieced([2 + byte for byte in "é!".encode()], text.numbered("a", pairs), pairs))
    assert pieces == ["", "é", "!"]


# --- on files built node by node: what follows a token is a row of a table, plus in steps what was summed up so far ---

ALPHABET = "abc "
ROWS = np.full((6, 6), -9.0, np.float32)
for _one, _after in ("ab", "bc", "c ", " a"):
    ROWS[2 + ALPHABET.index(_one), 2 + ALPHABET.index(_after)] = 9.0
STATE = Stream((State("seen", "seen.next"),), (Emission("logits", True),))


def written(build_onnx: Callable[..., bytes], length: int, plan: Stream | None) -> bytes:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    whole, floats = onnx.TensorProto.INT32, onnx.TensorProto.FLOAT
    inputs, outputs = [Tensor("tokens", (1, length), "int32")], [Tensor("logits", (1, length, 6))]
    nodes: list[tuple[str, list[str], list[str]]] = [("Gather", ["rows", "tokens"], ["logits"])]
    into, out = [("tokens", whole, [1, length])], [("logits", floats, [1, length, 6])]
    if plan:
        inputs.append(Tensor("seen", (1, 1)))
        outputs.append(Tensor("seen.next", (1, 1)))
        nodes += [("Add", ["seen", "one"], ["seen.next"])]
        into.append(("seen", floats, [1, 1]))
        out.append(("seen.next", floats, [1, 1]))
    step: dict[str, Any] = {"op": "characters", "vocabulary": ALPHABET, "length": 4, "fill": "after"}
    contract = Contract(
        "writer",
        (Graph("main", tuple(inputs), tuple(outputs), stream=plan),),
        frontends=(Frontend("tokens", "text", (step,)),),
        decode=Decode("write", "logits"),
    )
    constants = {"rows": ROWS} | ({"one": np.ones((1, 1), np.float32)} if plan else {})
    return build_onnx(nodes, into, out, constants, contract=contract)


def writer(build_onnx: Callable[..., bytes], length: int, plan: Stream | None) -> Model:
    data = written(build_onnx, length, plan)
    return Model(data, formats.read_bytes(data, "writer.onnx"))


@pytest.mark.parametrize(("length", "plan"), [(4, None), (1, STATE)])
@pytest.mark.parametrize("prompt", ["a", "abc abc ab", "ca"])
def test_a_model_writes_on_beyond_what_it_sees(
    build_onnx: Callable[..., bytes], length: int, plan: Stream | None, prompt: str
) -> None:
    model = writer(build_onnx, length, plan)
    endless = "abc " * 10
    start = endless.index(prompt[-1]) + 1
    assert "".join(itertools.islice(model.write(prompt, Taste(0)), 9)) == endless[start : start + 9]


def test_what_does_not_write_and_what_begins_nothing_are_refused(
    build_onnx: Callable[..., bytes],
) -> None:
    data = build_onnx([("Relu", ["x"], ["y"])], [("x", 1, [1, 2])], [("y", 1, [1, 2])], {}, contract=None)
    with pytest.raises(Refused, match="says which token comes next"):
        Model(data, formats.read_bytes(data, "relu.onnx")).write("a")
    with pytest.raises(Refused, match="must hold something"):
        writer(build_onnx, 4, None).write("  ")


def test_the_command_line_writes(build_onnx: Callable[..., bytes], cli: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "writer.onnx"
    path.write_bytes(written(build_onnx, 4, None))
    said = cli("run", path, "ab", "c", "--length", 3, "--temperature", 0)
    assert (said.status, said.out) == (0, "abc a\nc ab\n")
    said = cli("run", path, "a", "--length", 2, "--temperature", 0, "--json")
    assert json.loads(said.out) == {"input": "a", "text": "bc"}
    assert "top_p above 0" in cli("run", path, "a", "--top-p", 2).refused()
    (tmp_path / "begun.txt").write_text("ab\n")
    assert cli("run", path, tmp_path / "begun.txt", "--length", 2, "--temperature", 0).out == "abc \n"
    out = tmp_path / "out.txt"
    said = cli("run", path, "ab", "--length", 2, "--temperature", 0, "--write", out)
    assert (said.out, out.read_text()) == (f"ab: {out}\n", "abc \n")
    for lost in ("lost.txt", " "):
        cli("run", path, lost).refused()
