"""The phonemes of the embedded voice, and what is so of each: distinctive features in the tradition of Jakobson, Fant,
Halle 1952 and Chomsky, Halle 1968, "The sound pattern of English", as far as these nineteen need them.

"closed" and "murmur" are what is heard of a stop while the mouth is shut, without and with voice; where it is shut can
not be told from them, so that they have no place. Silence is nothing at all.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

ATTRIBUTES = (
    "voiced", "vowel", "high", "low", "front", "back", "round", "approximant", "lateral", "nasal", "fricative", "stop",
    "burst", "labial", "coronal", "dorsal",
)  # fmt: skip

PHONEMES = MappingProxyType(
    {
        "silence": "",
        "aa": "voiced vowel low back",
        "ah": "voiced vowel",
        "ao": "voiced vowel back round",
        "eh": "voiced vowel front",
        "ih": "voiced vowel high front",
        "uh": "voiced vowel high back round",
        "y": "voiced approximant high front",
        "r": "voiced approximant coronal",
        "l": "voiced approximant lateral coronal",
        "n": "voiced nasal coronal",
        "s": "fricative coronal",
        "f": "fricative labial",
        "closed": "stop",
        "murmur": "voiced stop",
        "p burst": "stop burst labial",
        "t burst": "stop burst coronal",
        "d burst": "voiced stop burst coronal",
        "g burst": "voiced stop burst dorsal",
    }
)


def table() -> np.ndarray:
    """What is so of each phoneme, (phonemes, attributes) float32: 1 or 0. No two rows are alike."""
    return np.array([[a in told.split() for a in ATTRIBUTES] for told in PHONEMES.values()], np.float32)
