"""What the runner adds to the bare interpreter, on one file: python benchmarks/runner_overhead.py FILE.tflite

Rounds of each way alternate within one process, so that drift of the machine's speed meets all alike; the ratio is
of medians over rounds. "graph" is the runner's session against set_tensor, invoke, get_tensor by hand: the
runner's own overhead. The rest is work that bare use must do somewhere too: quantizing the input, decoding the
output, preprocessing pixels.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from ai_edge_litert.interpreter import Interpreter

import edgeproof
from edgeproof import timing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", default="saved/lenet5/export/lenet5.int8.tflite")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--calls", type=int, default=100, help="calls a round")
    args = parser.parse_args()

    interpreter = Interpreter(model_path=args.file, num_threads=1)
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    sink = interpreter.get_output_details()[0]["index"]
    model = edgeproof.load(args.file)
    port = model.session.inputs[0]
    feed = timing.noise(model.session.inputs)
    real = {port.name: port.decode(feed[0]).astype(np.float32)}
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)

    def bare() -> np.ndarray:
        interpreter.set_tensor(source, feed[0])
        interpreter.invoke()
        return interpreter.get_tensor(sink)

    np.testing.assert_array_equal(bare(), model.session(feed)[0])
    ways: dict[str, Callable[[], object]] = {
        "bare interpreter": bare,
        "runner, graph": lambda: model.session(feed),
        "runner, real numbers in and out": lambda: model.infer(real),
        "runner, pixels to answer": lambda: model.predict(pixels),
    }
    times = {name: np.empty(args.rounds) for name in ways}
    for round_ in range(-5, args.rounds):
        for name, way in ways.items():
            start = time.perf_counter_ns()
            for _ in range(args.calls):
                way()
            if round_ >= 0:
                times[name][round_] = (time.perf_counter_ns() - start) / args.calls
    print(f"{args.file}, 1 thread, {args.rounds} alternating rounds of {args.calls} calls")
    base = times["bare interpreter"]
    for name, taken in times.items():
        ratio = np.median(taken / base)
        print(f"  {name:<34} {np.median(taken) / 1e3:8.2f} us   {ratio:6.3f} x bare")


if __name__ == "__main__":
    main()
