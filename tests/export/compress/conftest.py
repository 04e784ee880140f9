"""A child process that has tf-keras, and the small model with training samples."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from export.worker import Worker

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]


@pytest.fixture(scope="session")
def legacy() -> Iterator[Worker]:
    """As `worker`, with tf-keras where TensorFlow looks for Keras."""
    path = os.pathsep.join(map(str, (ROOT, HERE, HERE.parent)))
    with Worker(environment={"PYTHONPATH": path, "TF_USE_LEGACY_KERAS": "1"}) as worker:
        yield worker
