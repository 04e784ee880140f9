"""A text in answer to what a model is given, by a search that asks again and again which token comes next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edgeproof.contract import Contract
from edgeproof.decode.search import Manner, Tokens, together
from edgeproof.errors import Refused
from edgeproof.frontend import text


def writes(contract: Contract | None) -> str:
    """The name of the input that a model writes into, the last one of the whole; "" where it does not answer."""
    if contract is None or contract.decode.kind != "answer":
        return ""
    graphs = {graph.name: graph for graph in contract.graphs}
    graph = graphs.get("main", contract.graphs[0])
    names = [tensor.name for tensor in graph.inputs]
    return (graph.stream.frames(names) if graph.stream else names)[-1]


def length(contract: Contract) -> int:
    """How many tokens the row that a model writes into has room for, the start among them.

    Raises:
        Refused: a contract that does not say how its answer is spelled.
    """
    return int(_spelling(contract)["length"])


def answers(
    contract: Contract, following: Callable[[list[Tokens]], np.ndarray], manner: Manner
) -> list[tuple[str, float]]:
    """Answers with their probabilities, the best first.

    Args:
        following: logits (n, tokens) of the token after each of n answers begun, all of one length.

    Raises:
        Refused: a contract that does not say how its answer is spelled.
    """
    step = _spelling(contract)
    (found,) = together([manner.search(int(step["length"]) - 1)], lambda _, told: following(told))
    return [(text.written(best.tokens, step), float(np.exp(best.log_probability))) for best in found]


def _spelling(contract: Contract) -> dict[str, Any]:
    steps = contract.frontend(writes(contract)).steps
    if not steps or steps[-1].get("op") not in text.SCRIPTS:
        raise Refused(
            "answer: the contract must say what the tokens of an answer are.",
            received="no vocabulary",
            fix="export the file again; a contract is not meant to be edited by hand",
        )
    return steps[-1]
