"""Exports torchvision's classifiers to Umbra's bundles.

Inputs: a Python with the packages of requirements.txt; the weights come from torchvision's hub.
    If the hub is not reachable, or with --random, weights are random, drawn from --seed; the
    bundle's name and source then state it.
Outputs: OUT/<architecture>/{model.onnx,labels.json,bundle.json}, ready for `umbra models add`.
    --dynamic (implied by --resize fit) makes height and width variable; adaptive pooling to more
    than one cell, as in AlexNet and VGG16, is then written as two matrix products.
Checks: onnxruntime's logits agree with PyTorch's within 1e-4. Exits with 1 otherwise.

    python models/export-torchvision.py resnet18 vgg16 --out my-models
    python models/export-torchvision.py alexnet --resize fit --size 224x224 --out my-models
"""

import argparse
import hashlib
import json
import pathlib
import re
import sys
import urllib.error

import numpy as np
import onnxruntime
import torch
import torchvision
from torch import nn
from torchvision.models import get_model, get_model_weights
from torchvision.models._meta import _IMAGENET_CATEGORIES
from torchvision.transforms import InterpolationMode

ARCHITECTURES = (
    "alexnet",
    "vgg16",
    "resnet18",
    "resnet50",
    "mobilenet_v2",
    "squeezenet1_1",
    "densenet121",
    "efficientnet_b0",
)
CALIBRATION_IMAGES = 16
# With 1000 classes, the largest probability is then about 0.1: neither uniform nor certain.
LOGIT_DEVIATION = 1.5
MAX_DIFFERENCE = 1e-4


def main():
    given = parse_arguments()
    wrong = []
    for architecture in given.architectures:
        recipe = get_model_weights(architecture).DEFAULT
        height, width = given.size or recipe.transforms().crop_size * 2
        net, source, suffix = load(architecture, recipe, given, (height, width))
        folder = given.out / architecture
        folder.mkdir(parents=True, exist_ok=True)
        export(net, folder / "model.onnx", (height, width), given.dynamic)
        (folder / "labels.json").write_text(json.dumps(list(_IMAGENET_CATEGORIES), indent=0) + "\n")
        describe(folder, architecture + suffix, source, recipe.transforms(), (height, width), given)
        difference, top = check(net, folder / "model.onnx", (height, width), given.dynamic)
        print(f"{folder}: largest difference {difference:.1e}, top probabilities {top}")
        if not difference <= MAX_DIFFERENCE:
            wrong.append(architecture)
    if wrong:
        sys.exit(f"Expected onnxruntime to agree within {MAX_DIFFERENCE}; it does not for {', '.join(wrong)}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("architectures", nargs="+", choices=ARCHITECTURES, metavar="ARCHITECTURE", help=" ".join(ARCHITECTURES))
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("models"), help="folder for the bundles' folders")
    parser.add_argument("--random", action="store_true", help="random weights, without the hub")
    parser.add_argument("--seed", type=int, default=0, help="seed of random weights")
    parser.add_argument("--size", type=size, help="input HxW, px; by default the weights' own size")
    parser.add_argument("--dynamic", action="store_true", help="variable height and width of the input")
    parser.add_argument("--resize", choices=("crop", "fit", "squash"), default="crop")
    given = parser.parse_args()
    given.dynamic = given.dynamic or given.resize == "fit"
    return given


def size(text):
    found = re.fullmatch(r"(\d+)x(\d+)", text)
    if not found or min(map(int, found.groups())) < 64:
        raise argparse.ArgumentTypeError(f"expected HxW of at least 64 px each, got '{text}'")
    return int(found[1]), int(found[2])


def load(architecture, recipe, given, extent):
    """The network, the source of its weights, and a suffix for its name."""
    versions = f"torchvision {torchvision.__version__}, exported by models/export-torchvision.py"
    if not given.random:
        try:
            return get_model(architecture, weights=recipe).eval(), f"{recipe} of {versions}", ""
        except (urllib.error.URLError, OSError) as error:
            print(f"{architecture}: no weights from {recipe.url} ({error}): random ones instead", file=sys.stderr)
    torch.manual_seed(given.seed)
    net = get_model(architecture, weights=None)
    randomise(net, smooth_noise(CALIBRATION_IMAGES, extent, given.seed))
    return net.eval(), f"seeded random weights (seed {given.seed}), architecture of {versions}", f"-random{given.seed}"


@torch.no_grad()
def randomise(net, images):
    """Draws weights that keep activations non-zero through the depth, and make the classes differ.

    torchvision's own initial values are meant for training: with them, deep networks return nearly
    the same outputs for every image. Here convolutions and dense layers are He-normal, batch
    normalisation takes its statistics from the images, and the last layer is scaled and centred
    over them.
    """
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.normal_(module.bias, std=0.05)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.8, 1.2)
            # Mostly above zero: otherwise depth amplifies rounding more than in trained networks.
            nn.init.normal_(module.bias, mean=1.0, std=0.1)
            module.momentum = None
        elif isinstance(module, nn.Dropout):
            module.p = 0.0
    if any(isinstance(module, nn.BatchNorm2d) for module in net.modules()):
        net.train()(images)
    last = [module for module in net.modules() if isinstance(module, (nn.Conv2d, nn.Linear))][-1]
    centre_last(net.eval(), last, images)


def centre_last(net, last, images):
    """Gives each class a mean of 0 and the same deviation over the images."""
    if isinstance(last, nn.Conv2d):
        # SqueezeNet ends in convolution, ReLU and mean: this bias keeps the ReLU's input positive.
        last.weight.mul_(LOGIT_DEVIATION / net(images).std(0).mean())
        last.bias.add_(LOGIT_DEVIATION)
        return
    logits = net(images)
    factor = LOGIT_DEVIATION / logits.std(0)
    last.weight.mul_(factor[:, None])
    last.bias.copy_((last.bias - logits.mean(0)) * factor)


def smooth_noise(count, extent, seed):
    """Images of blobs of all sizes, each in its own mixture, about as bright as normalised photos."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.zeros(count, 3, *extent)
    for cells in (2, 5, 14, 40, 112):
        noise = torch.randn(count, 3, cells, cells, generator=generator)
        share = torch.rand(count, 1, 1, 1, generator=generator)
        images += share * nn.functional.interpolate(noise, extent, mode="bicubic", align_corners=False)
    return images


class OpenAveragePool(nn.Module):
    """Adaptive average pooling for inputs of any extent, composed of operators of ONNX."""

    def __init__(self, cells):
        super().__init__()
        self.cells = cells

    def forward(self, x):
        rows, columns = self.shares(x.shape[2], self.cells[0]), self.shares(x.shape[3], self.cells[1])
        return rows @ x @ columns.transpose(0, 1)

    @staticmethod
    def shares(extent, cells):
        """[cells, extent]: cell i is the mean of [floor(i * extent / cells), ceil((i + 1) * extent / cells))."""
        cell = torch.arange(cells)[:, None]
        pixel = torch.arange(extent)[None]
        start = cell * extent // cells
        end = ((cell + 1) * extent + cells - 1) // cells
        inside = torch.logical_and(pixel >= start, pixel < end).float()
        return inside / inside.sum(1, keepdim=True)


def export(net, path, extent, dynamic):
    axes = {"input": {0: "N"}, "logits": {0: "N"}}
    if dynamic:
        axes["input"] |= {2: "H", 3: "W"}
    if dynamic or extent != (224, 224):
        # The exporter supports adaptive pooling only if every cell has the same extent.
        open_pooling(net)
    torch.onnx.export(
        net,
        (torch.zeros(2, 3, *extent),),
        str(path),
        input_names=["input"],
        output_names=["logits"],
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )


def open_pooling(net):
    for name, module in list(net.named_modules()):
        if isinstance(module, nn.AdaptiveAvgPool2d) and module.output_size not in (1, (1, 1)):
            parent, _, child = name.rpartition(".")
            setattr(net.get_submodule(parent), child, OpenAveragePool(module.output_size))


def describe(folder, name, source, transforms, extent, given):
    def entry(path):
        content = (folder / path).read_bytes()
        return {"path": path, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}

    resize = {"rule": given.resize}
    if given.resize == "fit":
        resize["shorterSide"] = min(extent)
    elif given.resize == "crop":
        # The same relative margin around the crop as for the weights' own size.
        resize["shorterSide"] = round(transforms.resize_size[0] * max(extent) / transforms.crop_size[0])
    description = {
        "version": 1,
        "name": name,
        "format": "onnx",
        "files": [entry("model.onnx"), entry("labels.json")],
        "model": "model.onnx",
        "labels": "labels.json",
        "input": {
            "layout": "NCHW",
            "height": extent[0],
            "width": extent[1],
            "channels": "RGB",
            "scale": 1 / 255,
            "mean": transforms.mean,
            "std": transforms.std,
            "resize": resize,
            "interpolation": "bicubic" if transforms.interpolation == InterpolationMode.BICUBIC else "bilinear",
        },
        "output": "logits",
        "licence": "BSD-3-Clause (torchvision); for trained weights see also the terms of their data, ImageNet",
        "source": source,
    }
    (folder / "bundle.json").write_text(json.dumps(description, indent=2) + "\n")


def check(net, path, extent, dynamic):
    """The largest difference of a logit, and the largest probability of some images."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    extents = [extent, (extent[0] + 37, extent[1] + 90)] if dynamic else [extent]
    differences, tops = [], []
    for one in extents:
        images = smooth_noise(3, one, 1)
        with torch.inference_mode():
            expected = net(images)
        found = session.run(None, {"input": images.numpy()})[0]
        differences.append(float(np.abs(expected.numpy() - found).max()))
        tops += [round(float(p), 3) for p in expected.softmax(1).max(1).values]
    return max(differences), tops


if __name__ == "__main__":
    main()
