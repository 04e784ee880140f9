"""How a refusal reads, and what it suggests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.errors import NewerContract, Refused, Unwritable, nearest

words = st.text("abcdefgh", min_size=1, max_size=8)


@pytest.mark.parametrize("kind", [Refused, Unwritable, NewerContract])
def test_refusal_reads_as_rule_received_fix(kind: type[Refused]) -> None:
    refusal = kind("stage: a rule.", received="something else", fix="do this")
    assert str(refusal) == "stage: a rule.\n  received: something else\n  fix: do this"
    assert (refusal.rule, refusal.received, refusal.fix) == ("stage: a rule.", "something else", "do this")
    assert isinstance(refusal, ValueError)


@pytest.mark.parametrize(("word", "meant"), [("int9", "int8"), ("zzz", None), ("xnpack", "xnnpack"), ("int8", "int8")])
def test_nearest_names_what_was_meant(word: str, meant: str | None) -> None:
    phrase = nearest(word, ["xnnpack", "int8", "f32"])
    assert phrase.endswith("known: f32, int8, xnnpack")
    assert phrase.startswith(f'did you mean "{meant}"? ' if meant else "known: ")


@given(words, st.lists(words, unique=True))
def test_nearest_always_lists_what_is_known(word: str, known: list[str]) -> None:
    phrase = nearest(word, iter(known))
    assert phrase.split("known: ")[1] == ", ".join(sorted(known))
    if word in known:
        assert phrase.startswith(f'did you mean "{word}"?')
