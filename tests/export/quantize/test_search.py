"""The search within a budget: cheapest first, no further than needed, the smallest that keeps it, the truth if none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.quantize import blame, search
from export.quantize.blame import Blame
from export.quantize.plan import METHODS, Budget, Plan
from export.quantize.search import Trial, front
from export.quantize.tflite import TfliteIntegers

START = Plan(calibration="min-max", equalize=False, correct_bias=False)
RANKED = [
    Blame("a", 0.3, 0.2),
    Blame("b", 0.2, 0.1),
    Blame("c", 0.1, 0.05),
    Blame("d", 0.4, -0.1),
    Blame("e", 0.4, None),
]


class Judge:
    """Scores plans by a function of them: points lost and bytes."""

    def __init__(self, measure: Callable[[Plan], tuple[float, int]], limit: float) -> None:
        self.measure, self.budget, self.tried = measure, Budget(drop=limit), []  # type: ignore[var-annotated]

    def trial(self, integers: Any, plan: Plan) -> Trial:
        self.tried.append(plan)
        drop, size = self.measure(plan)
        return Trial(
            plan, plan.said(), size, drop, (drop - 0.1, drop + 0.1), 1.0, drop / 10, drop + 0.1 <= self.budget.drop
        )


@pytest.fixture
def find(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[list[Trial], Plan]]:
    monkeypatch.setattr(blame, "rank", lambda integers, plan: RANKED)

    def act(measure: Callable[[Plan], tuple[float, int]], limit: float) -> tuple[list[Trial], Plan]:
        return search.search(object.__new__(TfliteIntegers), START, Judge(measure, limit))  # type: ignore[arg-type]

    return act


def test_the_first_plan_that_keeps_the_budget_ends_the_search(find: Any) -> None:
    trials, plan = find(lambda plan: (0.0, 100), 0.5)
    assert ([t.plan for t in trials], plan) == ([START], START)


def test_methods_are_tried_once_each_and_the_smallest_within_is_taken(find: Any) -> None:
    sizes = {"min-max": (3.0, 100), "percentile": (0.2, 120), "mse": (0.3, 110), "entropy": (5.0, 90)}
    trials, plan = find(lambda plan: sizes[plan.calibration], 0.5)
    assert sorted(t.plan.calibration for t in trials) == sorted(METHODS)
    assert plan.calibration == "mse"


def test_blamed_layers_go_wide_before_they_go_float_twice_as_many_each_time(find: Any) -> None:
    trials, plan = find(
        lambda p: (3.0 - 0.5 * len(p.wide) - len(p.floats), 100 + len(p.wide) + 50 * len(p.floats)), 1.5
    )
    assert [t.plan.wide for t in trials if t.plan.wide] == [("a",), ("a", "b")]
    assert [t.plan.floats for t in trials if t.plan.floats] == [("a",), ("a", "b")]
    assert plan.floats == ("a", "b")
    # Neither a layer that float would not help nor one that was not measured.
    assert all(set(t.plan.wide) | set(t.plan.floats) <= {"a", "b", "c"} for t in trials)


def test_bias_correction_comes_before_the_layers(find: Any) -> None:
    trials, plan = find(lambda p: (0.1 if p.correct_bias else 2.0, 100), 0.5)
    assert plan.correct_bias
    assert not any(t.plan.wide or t.plan.floats for t in trials)


def test_where_nothing_keeps_it_the_least_loss_is_told(find: Any) -> None:
    trials, plan = find(lambda p: (9.0 - len(p.floats), 100), 0.5)
    assert not any(t.within for t in trials)
    assert plan == min(trials, key=lambda t: t.drop).plan


def test_the_unfavourable_end_of_the_interval_is_what_counts(find: Any) -> None:
    trials, _ = find(lambda plan: (0.45, 100), 0.5)
    assert len(trials) > 1
    assert not trials[0].within


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=12))
def test_the_front_holds_what_no_other_beats_in_both(points: list[tuple[int, int]]) -> None:
    trials = [{"bytes": size, "drop": float(drop)} for size, drop in points]
    best = front(trials)
    for i in best:
        size, drop = points[i]
        assert not any((s <= size and d < drop) or (s < size and d <= drop) for s, d in points)
    for size, drop in points:
        assert any(points[i][0] <= size and points[i][1] <= drop for i in best)
