"""Other people's checkpoints, exported here, beside the files their makers published, on the same inputs.

    python benchmarks/third_party.py [SHARED]

SHARED holds `checkpoints/mlperf-tiny/` (the four networks of MLPerf Tiny: ResNet-8, a dense autoencoder for machine
sound, MobileNet, a wake word network) and `data/wakeword_wav/`. Inputs are natural but not the makers' test sets: crops
of the two photographs in scikit-learn, log-mel windows of a recorded stream computed as the autoencoder's makers do,
and the samples that come with the wake word network. Every figure is a distance from the .h5's own outputs.
"""

from __future__ import annotations

import argparse
import tempfile
import wave
from pathlib import Path

import numpy as np

import edgeproof
from edgeproof import metrics, samples
from export import formats, pipeline

CASES = {
    "pretrainedResnet": ("pretrainedResnet.tflite", "pretrainedResnet_quant.tflite"),
    "ad01": ("ad01_fp32.tflite", "ad01_int8.tflite"),
    "vww_96": ("vww_96_float.tflite", "vww_96_int8.tflite"),
    "str_ww_ref_model": ("str_ww_ref_model.tflite",),
}
PAIRS = ["tflite:f32", "tflite:int8", "onnx:f32", "onnx:int8"]


def photographs(n: int, side: int = 32, seed: int = 0) -> np.ndarray:
    """Random crops of scikit-learn's two photographs, averaged down to (n, side, side, 3), float32, 0 to 255."""
    from PIL import Image
    from sklearn.datasets import load_sample_images

    rng = np.random.default_rng(seed)
    pictures = [Image.fromarray(array) for array in load_sample_images().images]
    crops = []
    for i in range(n):
        picture = pictures[i % len(pictures)]
        edge = int(rng.integers(64, 320))
        x, y = rng.integers(0, picture.width - edge), rng.integers(0, picture.height - edge)
        crop = picture.crop((x, y, x + edge, y + edge)).resize((side, side), Image.Resampling.BOX)
        crops.append(np.asarray(crop, np.float32))
    return np.stack(crops)


def log_mel_windows(path: Path, *, mels: int = 128, frames: int = 5, size: int = 1024, hop: int = 512) -> np.ndarray:
    """Windows of 5 frames of 128 log-mel energies, (n, 640) float32, in dB, as MLPerf Tiny's autoencoder takes them."""
    with wave.open(str(path)) as file:
        rate = file.getframerate()
        signal = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64) / 32768
    padded = np.pad(signal, size // 2, mode="reflect")
    starts = np.arange(0, len(padded) - size + 1, hop)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    power = np.abs(np.fft.rfft(padded[starts[:, None] + np.arange(size)] * window)) ** 2
    energies = 10 * np.log10(np.maximum(power @ _mel_bank(rate, size, mels).T, 1e-10))
    return np.stack([energies[i : i + frames].ravel() for i in range(len(energies) - frames + 1)]).astype(np.float32)


def _mel_bank(rate: int, size: int, mels: int) -> np.ndarray:
    """Triangular filters on Slaney's mel scale, of equal area: (mels, size // 2 + 1)."""
    step, knee = 200 / 3, 15.0
    factor = np.log(6.4) / 27

    def hertz(mel: np.ndarray) -> np.ndarray:
        return np.where(mel < knee, mel * step, 1000 * np.exp(factor * (mel - knee)))

    top = knee + np.log(rate / 2 / 1000) / factor
    edges = hertz(np.linspace(0, top, mels + 2))
    bins = np.fft.rfftfreq(size, 1 / rate)
    rise = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    return np.maximum(0, np.minimum(rise, fall)) * (2 / (edges[2:] - edges[:-2]))[:, None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", nargs="?", type=Path, default=Path("../shared"))
    args = parser.parse_args()
    folder = args.shared / "checkpoints" / "mlperf-tiny"
    if not folder.is_dir():
        print(f"third_party: left out, {folder} is not there")
        return
    inputs = {
        "pretrainedResnet": photographs(600),
        "ad01": log_mel_windows(args.shared / "data" / "wakeword_wav" / "short_wav_easy10s.wav"),
        "vww_96": photographs(400, side=96) / 255,
        "str_ww_ref_model": np.load(folder / "str_ww_calibration_samples.npz")["specs"].astype(np.float32),
    }
    for name, published in CASES.items():
        values = np.random.default_rng(0).permutation(inputs[name])
        held, seen = values[len(values) // 4 :], values[: len(values) // 4]
        with tempfile.TemporaryDirectory() as scratch:
            given = Path(scratch) / "samples.npz"
            samples.Samples(evaluation={"x": held}, calibration={"x": seen}).write(given)
            request = pipeline.Request(
                folder / f"{name}.h5", formats.parse(PAIRS), samples=given, out=Path(scratch) / "out"
            )
            outcome = pipeline.run(request)
            (output, reference), *_ = outcome.reference.items()
            print(f"{name}.h5 on {len(held)} natural inputs (calibrated on {len(seen)} others)")
            print(f"  {'file':<38} {'kernels':<12} {'bytes':>9} {'relative L2':>12} {'agreement':>10}")
            for result in outcome.results:
                for verdict in result.verdicts:
                    found = outcome.outputs[(result.file, verdict.runtime)][output]
                    _row(f"ours, {result.file}", verdict.runtime, result.bytes, reference, found, name)
        for file in published:
            for kernels in ("xnnpack", "reference"):
                model = edgeproof.load(folder / file, kernels=kernels)
                found = np.concatenate(
                    [next(iter(model.infer({model.session.inputs[0].name: x[None]}).values())) for x in held]
                )
                _row(f"theirs, {file}", kernels, (folder / file).stat().st_size, reference, found, name)


def _row(file: str, kernels: str, size: int, reference: np.ndarray, found: np.ndarray, name: str) -> None:
    distance = metrics.closeness(reference, found).relative_l2
    same = f"{np.mean(metrics.decisions(reference) == metrics.decisions(found)):.2%}" if name != "ad01" else ""
    print(f"  {file:<38} {kernels:<12} {size:>9,} {distance:>12.2e} {same:>10}")


if __name__ == "__main__":
    main()
