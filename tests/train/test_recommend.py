"""Users to learn from: the generator, MovieLens's files, bad rows among them, the loss."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from edgeproof.errors import Refused
from train import histories
from train.data import Dataset, movielens, skipping, tastes
from train.objectives.ranking import criterion


def test_a_user_s_history_and_future_are_apart_and_whole() -> None:
    titles = [f"t{i}" for i in range(30)]
    liked = [np.arange(29, 9, -1), np.arange(10)]
    train, test = histories.split(liked, titles, "train"), histories.split(liked, titles, "test")
    assert test.samples["history"].tolist() == [" | ".join(titles[29:19:-1]), "t0 | t1 | t2 | t3 | t4"]
    assert test.labels is not None
    assert train.labels is not None
    assert test.labels[0].tolist() == [0] * 10 + [1] * 10 + [-1] * 10
    assert [(row == -1).sum() for row in train.labels] == [6, 10, 14, 5]  # the second user's cuts are all the same
    assert [(row == 1).sum() for row in train.labels] == [14, 10, 6, 5]


def test_the_embedded_users_are_drawn_by_taste_and_fame() -> None:
    dataset = tastes.load()
    assert "SYNTHETIC" in dataset.title
    assert len(set(dataset.labels)) == tastes.ITEMS
    users = tastes.users(400, seed=5)
    np.testing.assert_array_equal(np.concatenate(tastes.users(400, seed=5)), np.concatenate(users))
    assert all(len(set(films)) == len(films) and 20 <= len(films) <= 60 for films in users)
    seen = np.bincount(np.concatenate(users), minlength=tastes.ITEMS)
    assert seen[:40].sum() > 1.5 * seen[-40:].sum(), "films are in the order of their fame"
    alone = histories.most_liked(dataset, {}).mean()
    assert 0.15 < alone < 0.35
    with pytest.raises(Refused, match="--data movielens"):
        tastes.load(Path("x"))


def test_popularity_counts_training_alone() -> None:
    titles = [f"t{i}" for i in range(12)]
    part = {name: histories.split([np.arange(k, k + 10)], titles, name) for k, name in enumerate(("train", "test"))}
    dataset = Dataset("x", "x", "x", True, part["train"], part["test"], part["test"], labels=tuple(titles))
    assert histories.popularity(dataset).tolist() == [[1.0] * 10 + [0.0] * 2]


def test_the_loss_is_the_multinomial_one_over_what_is_not_in_the_history() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(4, 9))
    wanted = rng.choice([-1, 0, 1], (4, 9))
    wanted[:, 0] = 1
    each = []
    for s, w in zip(scores, wanted, strict=True):
        total = np.exp(s[w >= 0]).sum()
        each.append(-np.mean([np.log(np.exp(s[i]) / total) for i in np.flatnonzero(w == 1)]))
    np.testing.assert_allclose(float(criterion(tf.constant(wanted), tf.constant(scores))), np.mean(each))


MOVIES = "movieId,title,genres\n" + "".join(f'{i},"Film, the {i}th (1999)",Drama\n' for i in range(1, 21))


def laid(root: Path, extra: str = "", movies: str = MOVIES) -> Path:
    """18 users, who each rate twenty films, the later films earlier, ten to twelve of them with 4 or more."""
    rows = [
        f"{user},{film},{5.0 if (film + user) % 5 < 3 else 3.5},{1000 - film}\n"
        for user in range(1, 19)
        for film in range(1, 21)
    ]
    (root / "ratings.csv").write_text("userId,movieId,rating,timestamp\n" + "".join(rows) + extra, "utf-8")
    (root / "movies.csv").write_text(movies, "utf-8")
    return root


def test_movielens_is_read_by_user_and_time(tmp_path: Path) -> None:
    dataset = movielens.load(laid(tmp_path), items=20)
    assert (len(dataset.validation), len(dataset.test)) == (3, 3)
    assert sorted(dataset.labels) == sorted(f"Film, the {i}th (1999)" for i in range(1, 21))
    assert dataset.test.labels is not None
    for history, row in zip(dataset.test.samples["history"], dataset.test.labels, strict=True):
        told = [int(title.split("th")[1].split()[-1]) for title in str(history).split(" | ")]
        later = [int(dataset.labels[i].split("th")[1].split()[-1]) for i in np.flatnonzero(row == 1)]
        assert told == sorted(told, reverse=True)
        assert min(told) > max(later)
        assert len(told) + len(later) == 12


BAD = [
    ("1,2,6.0,5\n", "", "ratings.csv, line 362: 1,2,6.0,5"),
    ("1,2,nan,5\n", "", "ratings.csv, line 362: 1,2,nan,5"),
    ("1,2,4.0\n", "", "ratings.csv, line 362: 1,2,4.0"),
    ("1,x,4.0,5\n", "", "ratings.csv, line 362: 1,x,4.0,5"),
    ("1,999,4.0,5\n", "", "ratings.csv, line 362: 1,999,4.0,5"),
    ("", "x,Title,Drama\n", "movies.csv, line 22: x,Title,Drama"),
    ("", "3,Another,Drama\n", "movies.csv, line 22: 3,Another,Drama"),
    ("", "77\n", "movies.csv, line 22: 77"),
]


@pytest.mark.parametrize(("rating", "movie", "where"), BAD)
def test_a_bad_row_is_told_by_file_and_line_or_passed_over(rating: str, movie: str, where: str, tmp_path: Path) -> None:
    folder = laid(tmp_path, rating, MOVIES + movie)
    with pytest.raises(Refused, match="--skip-bad") as refused:
        movielens.load(folder, items=20)
    assert refused.value.received.endswith(where)
    with skipping.skipping(True) as passed:
        found = movielens.load(folder, items=20)
    assert len(passed) == 1
    (tmp_path / "good").mkdir()
    assert found.sha256() == movielens.load(laid(tmp_path / "good"), items=20).sha256()


def test_films_of_one_title_are_told_apart(tmp_path: Path) -> None:
    movies = MOVIES.replace("Film, the 2th", "Film, the 1th").replace("Film, the 4th", "Film | the 4th")
    labels = movielens.load(laid(tmp_path, movies=movies), items=20).labels
    assert {"Film, the 1th (1999) #1", "Film, the 1th (1999) #2", "Film / the 4th (1999)"} <= set(labels)


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("ratings.csv", None, "must exist"),
        ("movies.csv", b"id,name\n", "first line must be movieId,title"),
        ("movies.csv", b"movieId,title\n1,caf\xe9\n", "line 2: byte 0xe9"),
        ("ratings.csv", b"userId,movieId,rating,timestamp\n", "at least 20 films"),
    ],
)
def test_files_that_are_none_are_refused(name: str, body: bytes | None, said: str, tmp_path: Path) -> None:
    folder = laid(tmp_path)
    (folder / name).unlink()
    if body is not None:
        (folder / name).write_bytes(body)
    with pytest.raises(Refused, match=said):
        movielens.load(folder, items=20)
    with pytest.raises(Refused, match="no --data-dir"):
        movielens.load()


def test_the_makers_files_are_read(shared: Path) -> None:
    dataset = movielens.load(shared / "data" / "movielens_latest_small")
    assert len(dataset.labels) == 1000
    assert "Toy Story (1995)" in dataset.labels
    assert dataset.test.labels is not None
    assert dataset.test.labels.shape == (len(dataset.test), 1000)
