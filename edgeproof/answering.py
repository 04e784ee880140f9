"""A text in answer to what a model is given: its graph is run on what is written so far, again and again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgeproof.contract import Contract
from edgeproof.decode.search import Manner, Tokens, rows_of, together
from edgeproof.errors import Refused
from edgeproof.frontend import text


def writes(contract: Contract | None) -> str:
    """The name of the input that a model writes into, the last one of the whole; "" where it does not answer."""
    if contract is None or contract.decode.kind != "answer":
        return ""
    graphs = {graph.name: graph for graph in contract.graphs}
    return graphs.get("main", contract.graphs[0]).inputs[-1].name


def answers(contract: Contract, run: Callable[[np.ndarray], np.ndarray], manner: Manner) -> list[tuple[str, float]]:
    """Answers with their probabilities, the best first.

    Args:
        run: logits (n, length, tokens) for rows of what is written, (n, length).

    Raises:
        Refused: a contract that does not say how its answer is spelled.
    """
    steps = contract.frontend(writes(contract)).steps
    if not steps or steps[-1].get("op") not in text.SCRIPTS:
        raise Refused(
            "answer: the contract must say what the tokens of an answer are.",
            received="no vocabulary",
            fix="export the file again; a contract is not meant to be edited by hand",
        )
    length = int(steps[-1]["length"])

    def following(_: np.ndarray, told: list[Tokens]) -> np.ndarray:
        return np.asarray(run(rows_of(told, length))[:, len(told[0])])

    (found,) = together([manner.search(length - 1)], following)
    return [(text.written(best.tokens, steps[-1]), float(np.exp(best.log_probability))) for best in found]
