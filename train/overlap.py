"""How much of true texts is in written ones: chrF and BLEU, as sacrebleu counts them.

Post 2018, "A call for clarity in reporting BLEU scores"; Popović 2015, "chrF". Figures by other counters can't be
compared with published ones, so that there are none where the package is not installed.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence


def told(written: Sequence[str], true: Sequence[str]) -> str:
    """chrF2 and BLEU (13a tokens) of a corpus, in words."""
    try:
        sacrebleu = importlib.import_module("sacrebleu")
    except ImportError:
        return "chrF and BLEU not counted, sacrebleu is not installed"
    chrf = sacrebleu.corpus_chrf(list(written), [list(true)]).score
    bleu = sacrebleu.corpus_bleu(list(written), [list(true)]).score
    return f"chrF {chrf:.1f}, BLEU {bleu:.1f} (sacrebleu {sacrebleu.__version__})"
