"""`samples.npz`: raw samples to calibrate and to evaluate with, and what they are."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof import atomic
from edgeproof.errors import Refused

_SPLITS = ("calibration", "evaluation", "training")


@dataclass(frozen=True)
class Samples:
    """Raw samples, (n, ...) an input, as the frontends take them.

    Attributes:
        calibration: by input name; from the training split only.
        evaluation: by input name; held out.
        labels: of the evaluation samples, or None.
        training: by input name; to fine-tune with. Empty in most files.
        training_labels: of these, or None.
        manifest: data set, split, SHA-256 of the data.
        source: the file they came from.
    """

    evaluation: Mapping[str, np.ndarray]
    calibration: Mapping[str, np.ndarray] = field(default_factory=dict)
    labels: np.ndarray | None = None
    manifest: dict[str, Any] = field(default_factory=dict)
    source: str = "samples"
    training: Mapping[str, np.ndarray] = field(default_factory=dict)
    training_labels: np.ndarray | None = None

    def write(self, path: str | Path) -> None:
        """Write atomically; the same samples give the same bytes."""
        arrays = {f"evaluation_{k}": v for k, v in self.evaluation.items()}
        arrays |= {f"calibration_{k}": v for k, v in self.calibration.items()}
        arrays |= {f"training_{k}": v for k, v in self.training.items()}
        for split, labels in (("evaluation", self.labels), ("training", self.training_labels)):
            if labels is not None:
                arrays[f"{split}_label"] = labels
        arrays["manifest"] = np.array(json.dumps(self.manifest, sort_keys=True))
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, array in arrays.items():
                body = io.BytesIO()
                np.lib.format.write_array(body, np.asarray(array), allow_pickle=False)
                # A fixed date, where numpy.savez would put the time of day.
                archive.writestr(
                    zipfile.ZipInfo(name + ".npy", (1980, 1, 1, 0, 0, 0)), body.getvalue(), zipfile.ZIP_DEFLATED
                )
        atomic.write_bytes(path, file.getvalue())


def load(path: str | Path, inputs: list[str], needed: str = "evaluation") -> Samples:
    """Read samples for a graph with these inputs.

    Arrays are called `evaluation_<input>`, `calibration_<input>`, `training_<input>`, `evaluation_label` and
    `training_label`; with a single input `evaluation_x`, `calibration_x` and `training_x` serve too.

    Raises:
        Refused: missing, damaged, holding objects, or without samples of the split that is needed.
    """
    path = Path(path)
    if not path.is_file():
        raise Refused("samples: the file must exist.", received=str(path), fix="train again, or pass --samples FILE")
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        manifest = json.loads(str(arrays["manifest"])) if "manifest" in arrays else {}
        if not isinstance(manifest, dict):
            raise ValueError("its manifest is not a JSON object")
    except Exception as error:  # damage shows as whatever zipfile, zlib, numpy or json stumble over
        raise Refused(
            "samples: the file must be an .npz of plain arrays.",
            received=f"{path}: {error}",
            fix="write it with numpy.savez_compressed, without objects",
        ) from error
    found: dict[str, dict[str, np.ndarray]] = {}
    for split in _SPLITS:
        names = {name: f"{split}_{name}" for name in inputs}
        if len(inputs) == 1 and names[inputs[0]] not in arrays:
            names[inputs[0]] = f"{split}_x"
        found[split] = {name: arrays[key] for name, key in names.items() if key in arrays}
        _check(split, found[split], inputs, path, sorted(arrays))
    if not found[needed]:
        raise Refused(
            f"samples: the file must hold {needed} samples for every input.",
            received=f"{path}: arrays {', '.join(sorted(arrays)) or 'none'}",
            fix=f'add an array "{needed}_{inputs[0]}" of shape (n, ...)',
        )
    return Samples(
        found["evaluation"], found["calibration"], arrays.get("evaluation_label"), manifest, str(path),
        found["training"], arrays.get("training_label"),
    )  # fmt: skip


def _check(split: str, found: dict[str, np.ndarray], inputs: list[str], path: Path, keys: list[str]) -> None:
    missing = [name for name in inputs if name not in found]
    if found and missing:
        raise Refused(
            f"samples: {path} must hold {split} samples for every input or for none.",
            received=f"none for {', '.join(missing)} (arrays: {', '.join(keys)})",
            fix=f'add "{split}_{missing[0]}"',
        )
    sizes = {len(array) if array.ndim else 0 for array in found.values()}
    if len(sizes) > 1 or 0 in sizes or any(a.dtype.kind not in "biufU" for a in found.values()):
        raise Refused(
            f"samples: the {split} arrays of {path} must be numbers or texts, equally many an input, at least one.",
            received=", ".join(f"{k}: {v.dtype} {v.shape}" for k, v in found.items()),
            fix="write the arrays again, one row a sample",
        )
