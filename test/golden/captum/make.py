"""Makes golden files: attributions by Captum's Occlusion, on networks that PyTorch runs.

Without arguments, for the two networks whose files are in the repository:
    dag, a small network with seeded random weights that is made here: residual sum, concatenation,
        depthwise, dilated and asymmetrically padded convolutions; an oblong input;
    efficientnet-lite0, the sample model, run node by node by bench/peers/onnx_torch.py.
Inputs: test/golden/dense/input.png, cut or squashed to each network's extent.
Outputs: <network>.npy, float32 [cases, height, width], attributions in probability; golden.json,
    settings of the cases, classes, and the versions that made them; dag/, the network as a bundle.
Versions: bench/peers/requirements.txt.

    python test/golden/captum/make.py
    python test/golden/captum/make.py --bundle DIR --out DIR     the same for another bundle
"""

import argparse
import hashlib
import json
import pathlib
import platform
import sys

import captum
import numpy as np
import torch
from captum.attr import Occlusion
from PIL import Image

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "bench" / "peers"))

from onnx_torch import OnnxTorch  # noqa: E402

DAG_SIZE = (72, 56)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Patch and stride, px, height before width; the fill in normalised units.
CASES = {
    "dag": [((16, 16), (8, 8), 0.0), ((13, 9), (5, 7), 0.5), ((1, 20), (1, 11), -1.0)],
    "other": [((64, 64), (32, 32), 0.0), ((80, 48), (48, 40), 0.5)],
}


class Dag(torch.nn.Module):
    def __init__(self):
        super().__init__()
        conv = torch.nn.Conv2d
        self.stem = conv(3, 12, 3, stride=2, padding=1)
        self.depthwise = conv(12, 12, 5, padding=2, groups=12)
        self.point = conv(12, 12, 1)
        self.dilated = conv(12, 8, 3, padding=3, dilation=3)
        # An even kernel: one column more after than before.
        self.oblong = conv(12, 8, (1, 4), padding="same")
        self.last = conv(16, 20, 3, stride=2)
        self.dense = torch.nn.Linear(20, 7)

    def forward(self, image):
        stem = torch.relu(self.stem(image))
        total = torch.relu(stem + self.point(torch.relu(self.depthwise(stem))))
        both = torch.cat([self.dilated(total), self.oblong(total)], 1)
        return self.dense(torch.relu(self.last(torch.relu(both))).mean((2, 3)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, default=HERE)
    given = parser.parse_args()
    if given.bundle is not None:
        networks = {given.bundle.name: given.bundle}
    else:
        networks = {"dag": write_dag(HERE / "dag"), "efficientnet-lite0": ROOT / "models" / "efficientnet-lite0"}
    golden = {
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "captum": captum.__version__,
            "numpy": np.__version__,
        },
        "networks": {name: explain(name, folder, given.out) for name, folder in networks.items()},
    }
    (given.out / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")


def make_dag():
    torch.manual_seed(1)
    net = Dag().eval()
    with torch.no_grad():
        # Random weights alone would leave the scores almost equal.
        for layer in (net.stem, net.depthwise, net.point, net.dilated, net.oblong, net.last):
            layer.weight.mul_(2.5)
        net.dense.weight.mul_(4)
    return net


def write_dag(folder):
    net = make_dag()
    folder.mkdir(exist_ok=True)
    image = torch.zeros(1, 3, *DAG_SIZE)
    path = folder / "model.onnx"
    torch.onnx.export(
        net, image, str(path), input_names=["input"], output_names=["logits"],
        dynamic_axes={"input": {0: "n"}, "logits": {0: "n"}}, opset_version=17, dynamo=False,
    )
    content = path.read_bytes()
    description = {
        "version": 1,
        "name": "dag",
        "format": "onnx",
        "files": [{"path": "model.onnx", "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}],
        "model": "model.onnx",
        "input": {
            "layout": "NCHW", "height": DAG_SIZE[0], "width": DAG_SIZE[1], "channels": "RGB",
            "scale": 1 / 255, "mean": MEAN, "std": STD, "resize": {"rule": "squash"}, "interpolation": "bilinear",
        },
        "output": "logits",
        "licence": "Apache-2.0",
        "source": "test/golden/captum/make.py, seeded random weights",
    }
    (folder / "bundle.json").write_text(json.dumps(description, indent=2) + "\n")
    return folder


def explain(name, folder, out):
    bundle = json.loads((folder / "bundle.json").read_text())
    described = bundle["input"]
    net = make_dag() if name == "dag" else OnnxTorch(str(folder / bundle["model"])).eval()
    mean, std = np.float32(described["mean"]), np.float32(described["std"])
    # Cut, not resized: resizing is no part of the comparison.
    photo = Image.open(ROOT / "test/golden/dense/input.png").convert("RGB")
    left, top = (photo.width - described["width"]) // 2, (photo.height - described["height"]) // 2
    pixels = np.asarray(photo.crop((left, top, left + described["width"], top + described["height"])), np.float32)
    image = torch.from_numpy(((pixels / 255 - mean) / std).transpose(2, 0, 1).copy())[None]
    with torch.inference_mode():
        clean = net(image).softmax(1)[0]
        index = int(clean.argmax())
        forward = lambda images: net(images).softmax(1)  # noqa: E731
        maps = [
            Occlusion(forward)
            .attribute(
                image, target=index, sliding_window_shapes=(3, *patch), strides=(3, *stride),
                baselines=fill, perturbations_per_eval=8,
            )[0, 0]
            .numpy()
            for patch, stride, fill in CASES.get(name, CASES["other"])
        ]
    np.save(out / f"{name}.npy", np.stack(maps).astype(np.float32))
    return {
        "modelSha256": next(file["sha256"] for file in bundle["files"] if file["path"] == bundle["model"]),
        "classIndex": index,
        "baseline": float(clean[index]),
        "cases": [
            {
                "patch": {"height": patch[0], "width": patch[1]},
                "stride": {"y": stride[0], "x": stride[1]},
                "fill": {"kind": "constant", "value": fill, "space": "normalized"},
            }
            for patch, stride, fill in CASES.get(name, CASES["other"])
        ],
    }


if __name__ == "__main__":
    main()
