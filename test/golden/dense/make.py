"""Makes golden.json: dense occlusion scores by PyTorch on the weights of the sample model.

Inputs: models/efficientnet-lite0/model.onnx, run node by node with PyTorch operators by
    bench/peers/onnx_torch.py (an independent implementation on the same weights);
    samples/photos/cat.jpg.
Outputs: input.png, the photo in the model's input frame (so that resizing is no part of the
    comparison), and golden.json with scores and the versions that made them.
Versions: bench/peers/requirements.txt.

    python test/golden/dense/make.py
"""

import hashlib
import json
import math
import pathlib
import platform
import sys

import numpy as np
import onnx
import PIL
import torch
from PIL import Image

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[2]
MODEL = ROOT / "models" / "efficientnet-lite0"
sys.path.insert(0, str(ROOT / "bench" / "peers"))

from onnx_torch import OnnxTorch  # noqa: E402

SIZE = 224
CASES = [
    ((32, 32), (16, 16), "clip", 0.0, "normalized"),
    ((64, 48), (40, 32), "clip", 0.5, "pixel"),
    ((50, 50), (50, 50), "article", 0.5, "normalized"),
    ((48, 48), (32, 32), "valid", 0.0, "normalized"),
]


def make_input():
    photo = Image.open(ROOT / "samples/photos/cat.jpg").convert("RGB")
    side = min(photo.size)
    left, top = (photo.width - side) // 2, (photo.height - side) // 2
    frame = photo.crop((left, top, left + side, top + side)).resize((SIZE, SIZE), Image.BICUBIC)
    frame.save(HERE / "input.png")
    return np.asarray(frame, np.float32) / 255


def positions(extent, patch, stride, edge):
    span = (extent - patch) / stride
    count = {"clip": math.ceil(span) + 1, "valid": math.floor(span) + 1, "article": math.ceil(span)}[edge]
    return [(i * stride, min(i * stride + patch, extent)) for i in range(count)]


def main():
    description = json.loads((MODEL / "bundle.json").read_text())["input"]
    mean, std = np.float32(description["mean"]), np.float32(description["std"])
    net = OnnxTorch(str(MODEL / "model.onnx")).eval()
    clean = torch.from_numpy(((make_input() - mean) / std).transpose(2, 0, 1).copy())
    with torch.inference_mode():
        logits = net(clean[None])[0].double()
    index = int(logits.argmax())
    cases = [run_case(net, clean, index, mean, std, *case) for case in CASES]
    golden = {
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "onnx": onnx.__version__,
            "pillow": PIL.__version__,
        },
        "modelSha256": hashlib.sha256((MODEL / "model.onnx").read_bytes()).hexdigest(),
        "classIndex": index,
        "baseline": {"probability": float(logits.softmax(0)[index]), "logit": float(logits[index])},
        "cases": cases,
    }
    (HERE / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")


def run_case(net, clean, index, mean, std, patch, stride, edge, value, space):
    ys, xs = positions(SIZE, patch[0], stride[0], edge), positions(SIZE, patch[1], stride[1], edge)
    fill = torch.from_numpy(np.float32((value - mean) / std) if space == "pixel" else np.full(3, value, np.float32))
    batch = []
    for top, bottom in ys:
        for left, right in xs:
            occluded = clean.clone()
            occluded[:, top:bottom, left:right] = fill[:, None, None]
            batch.append(occluded)
    with torch.inference_mode():
        logits = torch.cat([net(part) for part in torch.stack(batch).split(16)]).double()
    shape = (len(ys), len(xs))
    grid = lambda scores: [[round(float(v), 7) for v in row] for row in scores.reshape(shape)]  # noqa: E731
    return {
        "settings": {
            "patch": {"height": patch[0], "width": patch[1]},
            "stride": {"y": stride[0], "x": stride[1]},
            "edge": edge,
            "fill": {"kind": "constant", "value": value, "space": space},
        },
        "rows": shape[0],
        "columns": shape[1],
        "probability": grid(logits.softmax(1)[:, index]),
        "logit": grid(logits[:, index]),
    }


if __name__ == "__main__":
    main()
