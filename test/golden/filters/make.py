"""Makes golden.json: filter views of AlexNet's convolutions by PyTorch, from weights that only depend on
their index.

Inputs: none. Weights are those of `hashedUniform` in packages/engine/src/testing/known-networks.ts, at
    the shapes of torchvision's AlexNet; one slice and one kernel are made constant.
Outputs: golden.json, with samples of what each mode shows.
Versions: bench/peers/requirements.txt.

    python test/golden/filters/make.py
"""

import json
import pathlib
import platform

import numpy as np
import torch

HERE = pathlib.Path(__file__).parent
WEIGHTS_APART = 10_000_000
# By place in `features`.
SHAPES = {0: (64, 3, 11, 11), 3: (192, 64, 5, 5), 6: (384, 192, 3, 3)}
SAMPLES = 200


def hashed_uniform(index):
    bits = index.astype(np.uint32)
    bits = (bits ^ (bits >> 16)) * np.uint32(0x85EBCA6B)
    bits = (bits ^ (bits >> 13)) * np.uint32(0xC2B2AE35)
    return (bits ^ (bits >> 16)).astype(np.float64) / 2**32 - 0.5


def weights_of(feature):
    shape = SHAPES[feature]
    index = feature * WEIGHTS_APART + np.arange(np.prod(shape))
    weights = torch.from_numpy(hashed_uniform(index).astype(np.float32).reshape(shape).copy())
    weights[5, 1] = 0.25
    weights[7] = -0.125
    return weights.double()


def normalise(weights, axes):
    mean = weights.mean(dim=axes, keepdim=True)
    deviation = weights.std(dim=axes, keepdim=True, unbiased=False)
    flat = weights.amax(dim=axes, keepdim=True) == weights.amin(dim=axes, keepdim=True)
    scaled = (weights - mean) / torch.where(flat, 1.0, deviation) + 0.5
    return torch.where(flat, 0.5, scaled).clamp(0, 1)


def sample(array):
    flat = array.reshape(-1)
    step = max(1, flat.numel() // SAMPLES)
    return [[index, float(flat[index])] for index in range(0, flat.numel(), step)]


def main():
    layers = []
    for feature, shape in SHAPES.items():
        weights = weights_of(feature)
        kernels, depth, height, width = shape
        collated = weights.permute(0, 2, 1, 3).reshape(kernels * height, depth * width)
        layers.append(
            {
                "feature": feature,
                "shape": shape,
                "rgb": sample(normalise(weights, (1, 2, 3))) if depth == 3 else None,
                "channels": sample(normalise(weights, (2, 3))),
                "collated": sample((collated - collated.min()) / (collated.max() - collated.min())),
                "range": [float(weights.min()), float(weights.max())],
            }
        )
    versions = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
    golden = {"versions": versions, "layers": layers}
    (HERE / "golden.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
