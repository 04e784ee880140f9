"""Other people's checkpoints in int8, by four hands, on the same inputs: size, distance from the .h5, and latency.

    python benchmarks/third_party.py [SHARED]

SHARED holds `checkpoints/mlperf-tiny/` (the four networks of MLPerf Tiny: ResNet-8, a dense autoencoder for machine
sound, MobileNet, a wake word network) and `data/wakeword_wav/`. Inputs are natural but not the makers' test sets: crops
of the two photographs in scikit-learn, log-mel windows of a recorded stream computed as the autoencoder's makers do,
and the samples that come with the wake word network. Three quarters are held apart and compared; all tools calibrate
on the same other quarter. Every figure is a distance from the .h5's own outputs, on the kernels that ship (XNNPACK) and
on the reference kernels; a network that ends in a softmax is compared before it too, where being sure hides nothing.
`converter` is `tf.lite.TFLiteConverter` as its guide shows it; `ai-edge-quantizer` its
`static_wi8_ai8` recipe on the converter's float file (left out with a line where the package is not installed).
"""

from __future__ import annotations

import argparse
import tempfile
import wave
from pathlib import Path

import numpy as np

from edgeproof import formats as file_formats
from edgeproof import metrics, samples, timing
from edgeproof.runner import Model
from export import formats, pipeline
from export.quantize.onnx import OnnxIntegers
from export.quantize.tflite import TfliteIntegers
from export.worker import Crashed, Worker

# Each checkpoint, and the int8 file that its makers published.
CASES = {
    "pretrainedResnet": Path("pretrainedResnet_quant.tflite"),
    "ad01": Path("ad01_int8.tflite"),
    "vww_96": Path("vww_96_int8.tflite"),
    "str_ww_ref_model": Path("str_ww_ref_model.tflite"),
}
PAIRS = ["tflite:int8", "tflite:int16x8", "onnx:int8"]
ENDS = {"tflite": TfliteIntegers, "onnx": OnnxIntegers}
KERNELS = ("xnnpack", "reference")


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
            _case(name, folder, published, held, seen, Path(scratch))


def _case(name: str, folder: Path, published: Path, held: np.ndarray, seen: np.ndarray, scratch: Path) -> None:
    given = scratch / "samples.npz"
    samples.Samples(evaluation={"x": held}, calibration={"x": seen}).write(given)
    # The wake word samples hold some twice, which the linter would stop at; here all tools are given the same.
    request = pipeline.Request(
        folder / f"{name}.h5", formats.parse(["tflite:f32", *PAIRS]), samples=given, out=scratch / "out", as_is=True
    )
    outcome = pipeline.run(request)
    (reference,) = outcome.reference.values()
    print(f"{name}.h5 on {len(held)} natural inputs (calibrated on {len(seen)} others)")
    heads = f"{'bytes':>9}  {'relative L2':>21} {'before softmax':>21} {'agreement':>10} {'ms':>7}"
    print(f"  {'int8 by':<32} {heads}  ({' / '.join(KERNELS)})")
    made = {f"Edgeproof ({r.asked} {r.format})": outcome.out / r.file for r in outcome.results if r.file}
    files = {who: path.read_bytes() for who, path in made.items()}
    exact = files.pop("Edgeproof (f32 tflite)")
    ends = TfliteIntegers.unsquashed(exact)
    logits = _outputs(ends, held, KERNELS[0]) if ends != exact else None
    with Worker() as child:
        files |= _others(child, folder / f"{name}.h5", seen, scratch)
    files |= {"its makers": (folder / published).read_bytes()}
    for who, data in files.items():
        if data is None:
            print(f"  {who:<32} failed or is not installed")
        else:
            _row(who, data, (reference, logits), held, name)


def _others(child: Worker, checkpoint: Path, seen: np.ndarray, scratch: Path) -> dict[str, bytes | None]:
    """Files by the other tools, each made in a child of its own kind."""
    np.save(scratch / "seen.npy", seen)
    found: dict[str, bytes | None] = {}
    for who, function in (("TFLiteConverter", "converter"), ("ai-edge-quantizer", "quantizer")):
        out = scratch / f"{function}.tflite"
        try:
            child.call(
                f"benchmarks.other_tools:{function}",
                checkpoint=str(checkpoint), seen=str(scratch / "seen.npy"), out=str(out),
            )  # fmt: skip
            found[who] = out.read_bytes()
        except Crashed:
            found[who] = None
    return found


def _outputs(data: bytes, held: np.ndarray, kernels: str) -> np.ndarray:
    model = Model(data, file_formats.read_bytes(data, "file"), kernels=kernels)
    end = model.session.inputs[0].name
    return np.concatenate([next(iter(model.infer({end: x[None]}).values())) for x in held])


def _row(who: str, data: bytes, truths: tuple[np.ndarray, np.ndarray | None], held: np.ndarray, name: str) -> None:
    summary = file_formats.read_bytes(data, who)
    kernels = KERNELS if summary.format == "tflite" else ("onnxruntime",)
    cells = []
    for truth, file in zip(truths, (data, ENDS[summary.format].unsquashed(data)), strict=True):
        found = [] if truth is None else [_outputs(file, held, kernel).reshape(truth.shape) for kernel in kernels]
        cells.append(" / ".join(f"{metrics.closeness(truth, f).relative_l2:.4f}" for f in found))
    agreement = np.mean(metrics.decisions(truths[0]) == metrics.decisions(_outputs(data, held, kernels[0])))
    model = Model(data, summary, kernels=kernels[0])
    end, one = model.session.inputs[0].name, held[:1]
    ms, _ = timing.quantiles(lambda: model.infer({end: one}), 200)
    same = "" if name == "ad01" else f"{agreement:.2%}"
    print(f"  {who:<32} {len(data):>9,}  {cells[0]:>21} {cells[1]:>21} {same:>10} {ms:>7.3f}")


if __name__ == "__main__":
    main()
