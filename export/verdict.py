"""The verdict: is it the same model, is it good enough. Figures first, then checks against stated limits."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof import metrics
from edgeproof.contract import Contract, Tolerance
from edgeproof.decode import KINDS, decided, metric_of


@dataclass(frozen=True)
class Check:
    """One limit and whether the figure keeps it."""

    name: str
    passed: bool
    said: str


@dataclass(frozen=True)
class Verdict:
    """An artifact on one set of kernels against its checkpoint, on the same samples.

    Attributes:
        runtime: the kernels.
        n: samples compared.
        max_abs, relative, relative_l2, cosine: the worst over the outputs; see `edgeproof.metrics.Closeness`.
        agreement: share of samples with the same decision; None where there are no decisions.
        disagreeing: indices of the others.
        score, drop: in the metric's unit and in points; None where nothing is scored.
        drop_interval: 95% paired bootstrap interval of `drop`, in points.
        median_ms, p90_ms, peak_bytes: of single samples on this machine.
        checks: what was judged.
    """

    runtime: str
    n: int
    max_abs: float
    relative: float
    relative_l2: float
    cosine: float
    agreement: float | None = None
    disagreeing: tuple[int, ...] = ()
    agreement_by_class: tuple[float | None, ...] = ()
    score: float | None = None
    drop: float | None = None
    drop_interval: tuple[float, float] | None = None
    median_ms: float = 0.0
    p90_ms: float = 0.0
    peak_bytes: int = 0
    checks: tuple[Check, ...] = ()

    @property
    def passed(self) -> bool:
        """All checks kept, and at least one made: an artifact that nothing judged is not verified."""
        return bool(self.checks) and all(check.passed for check in self.checks)


@dataclass(frozen=True)
class Result:
    """What became of one artifact that was asked for.

    Attributes:
        asked: the precision asked for; `precision` is what the bytes say.
        status: "verified", "wanting" (compared and found wanting), "crashed" (the converter or the runtime
            failed) or "not made" (the request can't be met, `reason` says why).
        trials: what was tried to keep a budget (`export.quantize.search.Trial.to_dict`).
        reason: one line; empty when verified.
        log: the end of what a crashed converter printed.
        graph: the part of the model that it holds; "" for the whole.
    """

    format: str
    asked: str
    status: str
    reason: str = ""
    precision: str = ""
    file: str = ""
    bytes: int = 0
    sha256: str = ""
    seconds: float = 0.0
    operators: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()
    checks: tuple[Check, ...] = ()
    log: str = ""
    trials: tuple[Mapping[str, Any], ...] = ()
    graph: str = ""


def claims(verdict: Verdict) -> dict[str, Any]:
    """The figures of a verdict that a file says of itself: those that follow from it and the samples alone."""
    told = {
        "n": verdict.n,
        "relative_l2": verdict.relative_l2,
        "agreement": verdict.agreement,
        "score": verdict.score,
        "passed": verdict.passed,
    }
    digits = {k: float(f"{v:.6g}") if isinstance(v, float) and np.isfinite(v) else v for k, v in told.items()}
    return {key: None if isinstance(v, float) and not np.isfinite(v) else v for key, v in digits.items()}


def machine() -> str:
    """The processor, for figures of time and of kernels that differ between processors."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def compare(
    reference: Mapping[str, np.ndarray],
    candidate: Mapping[str, np.ndarray],
    truth: np.ndarray | None,
    contract: Contract,
    tolerance: Tolerance,
    runtime: str,
    cost: Mapping[str, float],
    certain: bool = False,
) -> Verdict:
    """Compare an artifact's outputs (n, ...) with the checkpoint's, output by output, and judge.

    Args:
        truth: for the task's score (`edgeproof.decode.truth`); None: closeness and decisions are all there is.
        tolerance: the limits.
        cost: `median_ms`, `p90_ms`, `peak_bytes`, as measured with these outputs.
        certain: the drop's limit holds for the unfavourable end of its interval.
    """
    spoilt = [said for name in reference if (said := _spoilt(name, reference[name], candidate.get(name)))]
    if spoilt:
        checks = tuple(Check("outputs", False, said) for said in spoilt)
        return Verdict(runtime, 0, np.inf, np.inf, np.inf, -1.0, checks=checks)
    each = [metrics.closeness(reference[name], candidate[name]) for name in reference]
    figures: dict[str, Any] = {
        "max_abs": max(c.max_abs for c in each),
        "relative": max(c.relative for c in each),
        "relative_l2": max(c.relative_l2 for c in each),
        "cosine": min(c.cosine for c in each),
    }
    if contract.decode.output in reference:
        output = contract.decode.output
        figures |= _decisions(reference[output], candidate[output], truth, contract)
        figures |= _scores(reference[output], candidate[output], truth, contract)
    checks = tuple(_checks(figures, tolerance, certain))
    n = len(next(iter(reference.values())))
    return Verdict(
        runtime,
        n,
        **figures,
        median_ms=cost["median_ms"],
        p90_ms=cost["p90_ms"],
        peak_bytes=int(cost["peak_bytes"]),
        checks=checks,
    )


def _spoilt(name: str, reference: np.ndarray, candidate: np.ndarray | None) -> str:
    """Why an output can't be compared, or ""."""
    if candidate is None:
        return f"the artifact has no output {name}"
    if reference.size != candidate.size or len(reference) != len(candidate):
        return f"output {name} has shape {candidate.shape}, the checkpoint's {reference.shape}"
    # Not left to the limits: the largest of a row of NaN is its first, which may well be the right class.
    for whose, values in (("the artifact's", candidate), ("the checkpoint's", reference)):
        bad = values.size - int(np.isfinite(values).sum())
        if bad:
            return f"{bad} of {values.size} values of {whose} output {name} are NaN or infinite"
    return ""


def _decisions(
    reference: np.ndarray, candidate: np.ndarray, truth: np.ndarray | None, contract: Contract
) -> dict[str, Any]:
    ours, theirs = decided(candidate, contract.decode), decided(reference, contract.decode)
    if ours is None or theirs is None:
        return {}
    same = ours == theirs
    if KINDS[contract.decode.kind].strings:
        whole = same.all(axis=1)
        return {"agreement": float(whole.mean()), "disagreeing": tuple(map(int, np.flatnonzero(~whole)))}
    # Those of one step, where each step is decided.
    classes = 2 if contract.decode.kind == "detect" else reference.reshape(*theirs.shape, -1).shape[-1]
    kinds = theirs if truth is None else truth
    return {
        "agreement": float(same.mean()),
        "disagreeing": tuple(int(i) for i in np.flatnonzero(~same.reshape(len(same), -1).all(axis=1))),
        "agreement_by_class": tuple(
            float(same[kinds == c].mean()) if (kinds == c).any() else None for c in range(classes)
        ),
    }


def _scores(
    reference: np.ndarray, candidate: np.ndarray, truth: np.ndarray | None, contract: Contract
) -> dict[str, Any]:
    if truth is None:
        return {}
    metric = metrics.METRICS[metric_of(contract)]
    before, after = metric(reference, truth), metric(candidate, truth)
    low, high = metrics.paired_bootstrap(before, after)
    return {
        "score": float(after.mean()),
        "drop": 100 * float(before.mean() - after.mean()),
        "drop_interval": (100 * low, 100 * high),
    }


def _checks(figures: Mapping[str, Any], tolerance: Tolerance, certain: bool) -> list[Check]:
    checks = []
    if certain and tolerance.drop is not None and figures.get("drop_interval") is not None:
        most = figures["drop_interval"][1]
        said = f"score drop {figures['drop']:+.2f} points, at most {most:+.2f} (97.5%), limit {tolerance.drop:g}"
        checks.append(Check("drop", most <= tolerance.drop + 1e-9, said))
    for name, limit, told in (
        ("relative", tolerance.relative, "largest difference {:.2e} of the largest output, limit {:.0e}"),
        ("relative_l2", tolerance.relative_l2, "relative L2 distance {:.1e}, limit {:g}"),
        ("drop", tolerance.drop, "score drop {:+.2f} points, limit {:g}"),
    ):
        if limit is not None and figures.get(name) is not None and not (certain and name == "drop"):
            # Points are steps of whole samples; a hair of rounding must not fail the last allowed one.
            checks.append(Check(name, figures[name] <= limit + 1e-9, told.format(figures[name], limit)))
    if tolerance.agreement is not None and figures.get("agreement") is not None:
        said = f"same decision on {figures['agreement']:.2%}, limit {tolerance.agreement:.1%}"
        checks.append(Check("agreement", figures["agreement"] >= tolerance.agreement, said))
    return checks
