"""What the tests of training share: one finished tiny run, and folders in the format of MNIST's makers."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def idx_bytes() -> Callable[[np.ndarray], bytes]:
    """An array of unsigned bytes in the idx format, as its makers describe it."""

    def encode(array: np.ndarray) -> bytes:
        head = bytes((0, 0, 8, array.ndim)) + b"".join(size.to_bytes(4, "big") for size in array.shape)
        return head + array.astype(np.uint8).tobytes()

    return encode


@pytest.fixture
def mnist_folder(tmp_path: Path, idx_bytes: Callable[[np.ndarray], bytes]) -> Callable[..., Path]:
    """A folder with the four files of MNIST: noise, of any number of pictures, any size, any labels."""

    def write(
        train: int = 5050,
        test: int = 20,
        *,
        side: int = 28,
        labels: Callable[[int], np.ndarray] = lambda n: np.arange(n) % 10,
        missing: str = "",
    ) -> Path:
        folder = tmp_path / "mnist"
        folder.mkdir(exist_ok=True)
        # Noise does not compress; a few noisy columns are enough to tell pictures apart.
        rng = np.random.default_rng(3)
        for part, n in (("train", train), ("t10k", test)):
            pictures = np.zeros((n, side, side), np.uint8)
            pictures[:, :2, :4] = rng.integers(0, 256, (n, 2, 4))
            for kind, array in (("images-idx3", pictures), ("labels-idx1", labels(n))):
                name = f"{part}-{kind}-ubyte.gz"
                if name != missing:
                    (folder / name).write_bytes(gzip.compress(idx_bytes(array), 1))
        return folder

    return write


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, made once through the command line, to read and not to write in.

    The recipe lenet5 in its tiny form, on the embedded digits, over two seeds, with TensorBoard's logs in `board/`.
    """
    from train.__main__ import main

    out = tmp_path_factory.mktemp("finished")
    arguments = ["lenet5", "--tiny", "--seeds", "2", "--quiet", "--out", str(out), "--tensorboard", str(out / "board")]
    assert main(arguments) == 0
    return out
