"""Dense occlusion with PyTorch at its best: milliseconds a position over batch sizes and layouts.

Inputs: --model (an ONNX file), --patch, --stride (px), --threads, --positions, --json.
Outputs: one row a setting, and the best; with --json one JSON object on the last line.
Versions: requirements.txt.
"""

import argparse
import json
import platform
import sys
import time

import torch
from onnx_torch import OnnxTorch

SIZE = 224
BATCHES = (1, 4, 8, 16, 32)
REPEATS = 3


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--patch", type=int, default=32)
    parser.add_argument("--stride", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--positions", type=int, default=169)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    image = torch.randn(3, SIZE, SIZE)
    rows = []
    for layout in (torch.contiguous_format, torch.channels_last):
        net = OnnxTorch(given.model).eval().to(memory_format=layout)
        for batch in BATCHES:
            ms = measure(net, image, layout, batch, given)
            rows.append({"layout": str(layout).removeprefix("torch."), "batch": batch, "msPerPosition": ms})
            print(f"{rows[-1]['layout']:18} batch {batch:3}: {ms:.2f} ms a position", file=sys.stderr)
    best = min(rows, key=lambda row: row["msPerPosition"])
    versions = {"python": platform.python_version(), "torch": torch.__version__}
    result = {"bestMsPerPosition": best["msPerPosition"], "best": best, "rows": rows, "versions": versions}
    if given.json:
        print(json.dumps(result))


def measure(net, image, layout, batch, given):
    """The best of some repeats of the whole grid (or as much of it as was asked for)."""
    corners = [(y, x) for y in range(0, SIZE - given.patch + 1, given.stride) for x in range(0, SIZE - given.patch + 1, given.stride)]
    corners = (corners * (given.positions // len(corners) + 1))[: given.positions]
    best = float("inf")
    with torch.inference_mode():
        run(net, image, layout, corners[:batch], given.patch)
        for _ in range(REPEATS):
            start = time.perf_counter()
            for at in range(0, len(corners), batch):
                run(net, image, layout, corners[at : at + batch], given.patch)
            best = min(best, time.perf_counter() - start)
    return best * 1000 / len(corners)


def run(net, image, layout, corners, patch):
    batch = image.repeat(len(corners), 1, 1, 1).contiguous(memory_format=layout)
    for index, (y, x) in enumerate(corners):
        batch[index, :, y : y + patch, x : x + patch] = 0
    return net(batch)


if __name__ == "__main__":
    main()
