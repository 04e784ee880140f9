"""Films for a user by those the user liked: matrix factorisation over a history, NeuMF, or an autoencoder.

Koren, Bell, Volinsky 2009, "Matrix factorization techniques for recommender systems", with a user's vector made from
the films liked (asymmetric SVD, Koren 2008), so that new users need no training (`factors`, the default); He, Liao,
Zhang, Nie, Hu, Chua 2017, "Neural collaborative filtering" (`neumf`), its users made likewise; and Sedhain, Menon,
Sanner, Xie 2015, "AutoRec: autoencoders meet collaborative filtering" (`autoencoder`), over users. What differs from
the papers: films are liked or not instead of rated, all three learn which are liked later by the multinomial likelihood
of Liang et al. 2018, and NeuMF's two halves read one vector of the user, untaught before. Users to test by are seen
nowhere else; of each the first half is the history, the second is wanted.

    python -m train recommend
    python -m train recommend --set variant=neumf
    python -m train recommend --set variant=autoencoder
    python -m train recommend --data movielens --data-dir DIR
"""

from __future__ import annotations

from edgeproof.contract import Decode, Frontend, Tolerance
from train.fits import Ranking
from train.recipe import Goal, Recipe, When

RECIPE = Recipe(
    title="Recommender",
    paper="Koren, Bell, Volinsky 2009; He et al. 2017; Sedhain et al. 2015",
    build="models.recommend:build_recommend",
    arguments={"variant": "factors", "items": 200, "width": 16, "hidden": (8, 4)},
    data={"embedded": "train.data.tastes", "movielens": "train.data.movielens"},
    fit=Ranking(epochs=6, batch=64, learning_rate=1e-2, weight_decay=1e-2),
    tiny={"epochs": 3},
    when=(
        When({"data": "movielens"}, {"items": 1000, "width": 32, "epochs": 8}),
        # The converter stores the items' table as floats, or in 16 bits: kernels must outweigh it in files of 8 bits.
        When({"variant": "neumf"}, {"width": 64, "learning_rate": 3e-3}),
        When({"data": "movielens", "variant": "neumf"}, {"learning_rate": 1e-2}),
        When({"variant": "autoencoder"}, {"learning_rate": 3e-2}),
        When({"data": "movielens", "variant": "autoencoder"}, {"epochs": 20}),
    ),
    goal=Goal(metric="recall@20", floors={"embedded": 0.46, "movielens": 0.19}),
    frontends=lambda settings: (Frontend("history", "text", ({"op": "titles", "vocabulary": None},)),),
    decode=Decode("recommend", output="scores"),
    tolerances={"f32": Tolerance(relative=1e-4, relative_l2=1e-5, drop=0.05)},
    graphs={"user": (("history",), ("user",)), "items": (("user",), ("scores",))},
    beside={"popularity": "train.histories:most_liked"},
    use="Naming films that a user may like next from those that the user has liked, out of a fixed list; the user's "
    "vector and the films' scores are graphs of their own, so that one can be kept and the other asked again.",
    limits="It knows the films of its list alone and takes what is popular for good: a film that few liked is seldom "
    "named. Embedded users are generated; MovieLens's are few, and like what they came to rate.",
)
