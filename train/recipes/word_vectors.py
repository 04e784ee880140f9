"""Word vectors from a text, skip-gram with negative sampling, and the analogies that they answer.

Mikolov, Chen, Corrado, Dean 2013, "Efficient estimation of word representations in vector space"; Mikolov, Sutskever,
Chen, Corrado, Dean 2013, "Distributed representations of words and phrases and their compositionality": frequent words
left out at random, contexts up to a distance that is drawn anew, words drawn by the power 3/4 of their frequency. What
differs from there: Adam over batches in place of a step a word. The embedded text is made by a generator that plants
the relations which it is then asked for; `text` learns from any text, and is asked the questions that lie beside it, or
those that English spelling makes.

    python -m train word_vectors
    python -m train word_vectors --data text --data-dir DIR
    edgeproof run saved/word_vectors/export/word_vectors.int8.tflite "athens greece baghdad"
    python -m train.analogies saved/word_vectors/word_vectors.h5 --write vectors.txt
"""

from __future__ import annotations

from edgeproof.contract import Decode, Frontend, Tolerance
from train import texts
from train.fits import SkipGram
from train.recipe import Goal, Recipe, When

RECIPE = Recipe(
    title="Word vectors",
    paper="Mikolov et al. 2013",
    build="models.word_vectors:build_word_vectors",
    arguments={"words": 355, "width": 48},
    data={"embedded": "train.data.relations", "text": "train.data.plain_text"},
    fit=SkipGram(epochs=8, batch=1024, learning_rate=1e-2),
    when=(When({"data": "text"}, {"words": 2000, "width": 64}),),
    tiny={"epochs": 2},
    goal=Goal(metric="recall@1", floors={"embedded": 0.98}),
    frontends=lambda settings: (Frontend("query", "text", ({"op": "words", "vocabulary": None, "length": 3},)),),
    decode=Decode("recommend", output="scores"),
    tolerances={"f32": Tolerance(relative=1e-4, relative_l2=1e-5, drop=0.05)},
    refused=texts.REFUSED,
    beside={"mutual information counted, singular vectors": "train.counting:answered"},
    use="Naming the words that are to a word as a second is to a third, or the neighbours of one word, by vectors "
    "learned from the words around each; the table of vectors is the graph.",
    limits="It knows the words of its text alone, each with one vector whatever it means; the embedded text is "
    "generated, and what its vectors answer is what was planted there.",
)
