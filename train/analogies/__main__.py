"""`python -m train.analogies VECTORS`: what word vectors answer, one question or a file of them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from edgeproof.cli import guard
from edgeproof.errors import Refused
from edgeproof.metrics import wilson
from train.analogies import questions, vectors
from train.data import skipping


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 answered, 2 refused."""
    parser = argparse.ArgumentParser(prog="python -m train.analogies", description=__doc__)
    parser.add_argument("vectors", type=Path, help="word2vec's text, GloVe's text, JSON, or a checkpoint, .h5")
    parser.add_argument("words", nargs="*", metavar="WORD", help="three words: the first is to the second as the third")
    parser.add_argument("--questions", type=Path, help="four words a line, sections begun by ': name'")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the vectors as word2vec's text")
    parser.add_argument("--skip-bad", action="store_true", help="pass over rows that are none, and count them")
    args = parser.parse_args(arguments)
    return guard("analogies", lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    ways = (bool(args.words), args.questions is not None)
    if (args.words and len(args.words) != 3) or (sum(ways) != 1 and not (args.write and not any(ways))):
        raise Refused(
            "analogies: ask three words, or a file of questions, or have the vectors written.",
            received=f"{len(args.words)} words" + (f" and {args.questions}" if args.questions else ""),
            fix="python -m train.analogies VECTORS Athens Greece Baghdad",
        )
    with skipping.skipping(args.skip_bad) as skipped:
        known = vectors.read(args.vectors)
        sections = questions.read(args.questions) if args.questions else []
    if skipped:
        print(f"analogies: {len(skipped):,} rows passed over, first {skipped[0]}", file=sys.stderr)
    if args.write:
        vectors.write(known, args.write)
        print(f"{args.write}: {len(known.words):,} words, {known.rows.shape[1]} numbers each")
    if args.words:
        found = questions.answer(known, *args.words)
        print(", ".join(f"{word} {score:.3f}" for word, score in found))
    if not args.questions:
        return 0
    answers = questions.judge(known, sections)
    width = max((len(a.name) for a in answers), default=0)
    for one in answers:
        print(f"{one.name:<{width}}  {_told(one.right, one.asked)}")
    if len(answers) > 1:
        every = np.concatenate([one.right for one in answers])
        print(f"{'all':<{width}}  {_told(every, sum(one.asked for one in answers))}")
    return 0


def _told(right: np.ndarray, asked: int) -> str:
    if not right.size:
        return f"none of {asked:,} covered"
    low, high = wilson(float(right.sum()), right.size)
    return (
        f"{int(right.sum()):,} of {right.size:,} right, {right.mean():.2%} (95% {low:.2%} to {high:.2%}); "
        f"{right.size:,} of {asked:,} covered"
    )


if __name__ == "__main__":
    sys.exit(main())
