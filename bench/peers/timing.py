"""Shared parts of the peers: flags, networks, the patch, and the clock.

Inputs: --model (an ONNX file, or the name of a torchvision architecture, which gets random
    weights), --patch and --stride (px, square), --positions (max number that is measured: a sample is
    enough for the time of one), --seconds (max for a row), --session-threads, --json.
Outputs: a line for each row on standard error; with --json one JSON object on standard output:
    {"bestMsPerPosition", "best", "rows": [{"name", "batch", "msPerPosition"}], "versions"}.
Versions: requirements.txt.
"""

import argparse
import json
import pathlib
import platform
import sys
import time

import torch

SIZE = 224
BATCHES = (1, 4, 8, 16, 32)


def parse_arguments(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", required=True, help="an ONNX file, or a torchvision architecture")
    parser.add_argument("--patch", type=int, default=32)
    parser.add_argument("--stride", type=int, default=16)
    parser.add_argument("--positions", type=int, default=169)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--session-threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(given.session_threads)
    torch.manual_seed(0)
    return given


def load_network(model):
    """The network in evaluation mode; weights do not change its speed."""
    if pathlib.Path(model).suffix == ".onnx":
        from onnx_torch import OnnxTorch

        return OnnxTorch(model).eval()
    import torchvision

    return torchvision.models.get_model(model, weights=None).eval()


def corners_of(given):
    """Origins of the patches, row by row, one for each measured position."""
    starts = range(0, SIZE - given.patch + 1, given.stride)
    corners = [(y, x) for y in starts for x in starts]
    return (corners * (given.positions // len(corners) + 1))[: given.positions]


def occlude(image, corners, patch, layout=torch.contiguous_format):
    """A copy of the image [3, H, W] for each corner, with the patch there set to zero."""
    batch = image.repeat(len(corners), 1, 1, 1).contiguous(memory_format=layout)
    for index, (y, x) in enumerate(corners):
        batch[index, :, y : y + patch, x : x + patch] = 0
    return batch


def best_batch(run, corners, batch, seconds):
    """Milliseconds for a position of the best batch, after one to warm up; every batch is full."""
    run(corners[:batch])
    best, deadline = float("inf"), time.perf_counter() + seconds
    for start in range(0, max(len(corners) - batch, 0) + 1, batch):
        began = time.perf_counter()
        run(corners[start : start + batch])
        ended = time.perf_counter()
        best = min(best, ended - began)
        if ended > deadline:
            break
    return best * 1000 / min(batch, len(corners))


def climb(name, measure, batches=BATCHES):
    """Rows of increasing batch sizes, until two in a row gain nothing."""
    rows, worse = [], 0
    for batch in batches:
        row = {"name": name, "batch": batch, "msPerPosition": measure(batch)}
        print(f"{name:24} batch {batch:3}: {row['msPerPosition']:8.2f} ms a position", file=sys.stderr, flush=True)
        worse = worse + 1 if rows and row["msPerPosition"] >= min(r["msPerPosition"] for r in rows) else 0
        rows.append(row)
        if worse == 2:
            break
    return rows


def report(rows, given, **versions):
    best = min(rows, key=lambda row: row["msPerPosition"])
    found = {"python": platform.python_version(), "torch": torch.__version__, **versions}
    if given.json:
        print(json.dumps({"bestMsPerPosition": best["msPerPosition"], "best": best, "rows": rows, "versions": found}))
