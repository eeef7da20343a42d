"""Makes the zoo's networks of torchvision and timm: see README.md.

Inputs: a Python with the packages of requirements.txt; names of networks, all when left out.
Outputs: networks/NAME.{bin,json}.gz and their entries in networks.json; with --work FOLDER the
    restored model files stay there.
Checks: onnxruntime's logits of the restored file vary over positions by at least MIN_SPREAD of their
    size, the exported file agrees with PyTorch, and the arithmetic counted by fvcore is that of the
    file, counted from the shapes that onnxruntime computes. Exits with 1 otherwise.
"""

import argparse
import logging
import pathlib
import sys
import tempfile
import warnings

import numpy as np
import onnx
import timm
import torch
import torchvision
from fvcore.nn import FlopCountAnalysis
from networks import ConvMixer, LeNet, UShaped
from packing import folder_of, pack_onnx, write_index
from reckoning import IMAGENET, count_onnx, measure_spread
from torch import nn

TORCHVISION = f"torchvision {torchvision.__version__}", "BSD-3-Clause"
TIMM = f"timm {timm.__version__}", "Apache-2.0"
OWN = "test/zoo/networks.py", "Apache-2.0"
FORMS = {
    "dynamo": f"torch.onnx.export of PyTorch {torch.__version__.split('+')[0]}, dynamo, external data",
    "dynamo-one": f"torch.onnx.export of PyTorch {torch.__version__.split('+')[0]}, dynamo, external data, batch of 1",
    "legacy": f"torch.onnx.export of PyTorch {torch.__version__.split('+')[0]}, TorchScript, opset 17",
}


def of_torchvision(name, **options):
    return lambda: torchvision.models.get_model(name, weights=None, **options), TORCHVISION


def of_timm(name, **options):
    return lambda: timm.create_model(name, pretrained=False, **options), TIMM


# Name: how it is built and from where, the exporter's form, the extent of the input.
NETWORKS = {
    "lenet-grey": ((LeNet, OWN), "legacy", 28),
    "alexnet": (of_torchvision("alexnet"), "legacy", 224),
    "vgg11": (of_torchvision("vgg11"), "dynamo", 224),
    "squeezenet1_1": (of_torchvision("squeezenet1_1"), "legacy", 224),
    "resnet18": (of_torchvision("resnet18"), "dynamo", 224),
    "resnet50": (of_torchvision("resnet50"), "legacy", 224),
    "resnext50_32x4d": (of_torchvision("resnext50_32x4d"), "dynamo", 224),
    "regnet_y_400mf": (of_torchvision("regnet_y_400mf"), "dynamo-one", 224),
    "densenet121": (of_torchvision("densenet121"), "dynamo", 224),
    "inception_v3": (of_torchvision("inception_v3", init_weights=False), "legacy", 299),
    "googlenet": (of_torchvision("googlenet", init_weights=False), "dynamo", 224),
    "mobilenet_v2": (of_torchvision("mobilenet_v2"), "legacy", 224),
    "mobilenet_v3_large": (of_torchvision("mobilenet_v3_large"), "dynamo", 224),
    "mnasnet1_0": (of_torchvision("mnasnet1_0"), "legacy", 224),
    "shufflenet_v2_x1_0": (of_torchvision("shufflenet_v2_x1_0"), "dynamo", 224),
    "efficientnet_b0": (of_torchvision("efficientnet_b0"), "legacy", 224),
    "efficientnet_v2_s": (of_torchvision("efficientnet_v2_s"), "dynamo", 224),
    "convnext_tiny": (of_torchvision("convnext_tiny"), "dynamo-one", 224),
    "vit_b_16": (of_torchvision("vit_b_16"), "dynamo", 224),
    "deit_tiny": (of_timm("deit_tiny_patch16_224"), "legacy", 224),
    "swin_t": (of_torchvision("swin_t"), "dynamo", 224),
    "eva02_tiny": (of_timm("eva02_tiny_patch14_224"), "dynamo", 224),
    "coatnet_nano": (of_timm("coatnet_nano_rw_224"), "legacy", 224),
    "maxvit_t": (of_torchvision("maxvit_t"), "dynamo-one", 224),
    "convmixer": ((ConvMixer, OWN), "dynamo", 224),
    "unet-classifier": ((UShaped, OWN), "dynamo", 224),
}

# Networks so deep that little of an image's differences is left beside biases, which are drawn smaller there.
SMALL_BIASES = {"efficientnet_v2_s"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*NETWORKS, []], metavar="NAME")
    parser.add_argument("--work", type=pathlib.Path)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    here, wrong = folder_of(__file__), []
    with tempfile.TemporaryDirectory() as temporary:
        work = given.work or pathlib.Path(temporary)
        for name in given.names or NETWORKS:
            entry, faults = make(name, work, here / "networks")
            write_index(here / "networks.json", [entry])
            wrong += [f"{name}: {fault}" for fault in faults]
    if wrong:
        sys.exit("\n".join(wrong))


def make(name, work, target):
    (build, (source, licence)), form, side = NETWORKS[name]
    torch.manual_seed(0)
    net = build()
    channels = 1 if name == "lenet-grey" else 3
    images = smooth_noise(8, channels, side, 0)
    enliven(net, images, 0.1 if name in SMALL_BIASES else 1)
    path = work / f"{name}.onnx"
    export(net.eval(), path, images[:1] if form == "dynamo-one" else images[:2], form)
    faults = compare(net, path, images)
    macs = count_macs(net, images[:1])
    pack_onnx(path, target, name)
    spread = measure_spread(path)
    found, reckoned = spread, count_onnx(path)
    if abs(reckoned / macs - 1) > 0.005:
        faults.append(f"fvcore counts {macs / 1e6:.1f} M multiply-adds, the file has {reckoned / 1e6:.1f} M")
    if not found >= MIN_SPREAD:
        faults.append(f"logits vary by {found:.1e} of their size over positions")
    size = sum(file.stat().st_size for file in target.glob(f"{name}.*.gz"))
    print(f"{name:20} {macs / 1e6:8.1f} M, spread {found:.1e}, {size / 1000:.0f} kB, {'; '.join(faults) or 'ok'}", flush=True)
    entry = {"name": name, "source": source, "licence": licence, "exporter": FORMS[form], "file": path.name}
    if channels == 1:
        entry |= {"channels": "L", "scale": 1 / 255, "mean": [0.1307], "std": [0.3081]}
    else:
        entry |= IMAGENET
    return entry | {"macs": macs}, faults


MIN_SPREAD = 2e-3


@torch.no_grad()
def enliven(net, images, bias):
    """Draw weights that keep an image's differences through the depth.

    Initial values are meant for training: with them, deep networks return nearly the same outputs
    for every image, some zeros. Here convolutions and dense layers are He-normal, branches' scales
    are near 1, and batch normalisation takes its statistics from images, one value for a layer:
    restored weights are others of the same distribution, so that a channel's own would not fit.
    """
    for name, parameter in net.named_parameters():
        if "gamma" in name or "layer_scale" in name or name.endswith(".ls"):
            nn.init.uniform_(parameter, 0.4, 0.6)
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear, nn.ConvTranspose2d)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.normal_(module.bias, std=0.05 * bias)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.8, 1.2)
            nn.init.normal_(module.bias, std=0.1 * bias)
            module.momentum = None
        elif isinstance(module, nn.Dropout):
            module.p = 0.0
    normalised = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    if normalised:
        net.train()(images)
    for module in normalised:
        mean, variance = module.running_mean, module.running_var
        variance.fill_(float(variance.mean() + mean.var()))
        mean.fill_(float(mean.mean()))


def smooth_noise(count, channels, side, seed):
    """Images of blobs of all sizes, each in its own mixture, about as bright as normalised photos."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.zeros(count, channels, side, side)
    for cells in (2, 5, 14, 40, 112):
        noise = torch.randn(count, channels, cells, cells, generator=generator)
        share = torch.rand(count, 1, 1, 1, generator=generator)
        images += share * nn.functional.interpolate(noise, (side, side), mode="bicubic", align_corners=False)
    return images


def export(net, path, images, form):
    names = {"input_names": ["input"], "output_names": ["logits"]}
    with torch.no_grad():
        if form == "legacy":
            axes = {"input": {0: "N"}, "logits": {0: "N"}}
            torch.onnx.export(net, (images,), str(path), dynamo=False, opset_version=17, dynamic_axes=axes, **names)
            return
        shapes = None if form == "dynamo-one" else ({0: torch.export.Dim("batch")},)
        torch.onnx.export(net, (images,), str(path), dynamo=True, external_data=True, dynamic_shapes=shapes, verbose=False, **names)


def compare(net, path, images):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    fixed = session.get_inputs()[0].shape[0] == 1
    with torch.inference_mode():
        expected = net(images[:1] if fixed else images[:3]).numpy()
    found = session.run(None, {"input": (images[:1] if fixed else images[:3]).numpy()})[0]
    difference = float(np.abs(expected - found).max() / np.abs(expected).max())
    return [] if difference <= 1e-4 else [f"exported and PyTorch's logits differ by {difference:.1e} of their size"]


def count_macs(net, image):
    """Multiply-adds of an image by fvcore: of products alone, as Umbra counts them."""
    analysis = FlopCountAnalysis(net, image).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    analysis.set_op_handle("aten::scaled_dot_product_attention", count_attention)
    counted = analysis.by_operator()
    return int(sum(counted[kind] for kind in ("conv", "linear", "matmul", "addmm", "bmm", "einsum", "scaled_dot_product_attention")))


def count_attention(inputs, outputs):
    query, key = (value.type().sizes() for value in inputs[:2])
    return {"scaled_dot_product_attention": 2 * int(np.prod(query)) * key[-2]}


if __name__ == "__main__":
    main()
