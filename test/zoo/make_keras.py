"""Makes the zoo's networks of Keras: see README.md.

Inputs: a Python with the packages of requirements-keras.txt; names of networks, all when left out.
Outputs: networks/NAME.{bin,json}.gz and their entries in networks.json; with --work FOLDER the
    restored model files stay there.
Checks: for ONNX, what make.py checks; the multiply-adds come from the layers' shapes. Exits with 1
    otherwise.
"""

import argparse
import os
import pathlib
import sys
import tempfile
import types

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy as np
import tensorflow as tf
import tf2onnx
from packing import folder_of, pack, pack_onnx, write_index
from reckoning import count_onnx, measure_spread

# tensorflowjs imports these for conversions that are not used here; they do not install beside this TensorFlow.
for absent in ("tensorflow_decision_forests", "jax", "jax.experimental", "jax.experimental.jax2tf"):
    sys.modules.setdefault(absent, types.ModuleType(absent))
sys.modules["jax.experimental"].jax2tf = sys.modules["jax.experimental.jax2tf"]
import tensorflowjs  # noqa: E402

KERAS = f"Keras {keras.__version__}, TensorFlow {tf.__version__.split('-')[0]}"
FORMS = {
    "export": f"Model.export, format onnx (tf2onnx {tf2onnx.__version__})",
    "tf2onnx": f"tf2onnx {tf2onnx.__version__}, inputs as NCHW",
    "layers": f"tensorflowjs {tensorflowjs.__version__}, layers",
    "graph": f"tensorflowjs {tensorflowjs.__version__}, graph",
}
# Name: the application, the exporter's form, the extent of the input.
NETWORKS = {
    "keras-efficientnetv2_b0": ("EfficientNetV2B0", "export", {"include_preprocessing": False}),
    "keras-resnet50_v2": ("ResNet50V2", "tf2onnx", {}),
    "tfjs-layers-mobilenet_v2": ("MobileNetV2", "layers", {}),
    "tfjs-graph-mobilenet_v2": ("MobileNetV2", "graph", {}),
}
# Mean of batch normalisation's shifts; with 0, EfficientNet multiplies rounding by thousands.
SHIFTS = {"keras-efficientnetv2_b0": 0.2}
SIDE = 224
MIN_SPREAD = 2e-3


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*NETWORKS, []], metavar="NAME")
    parser.add_argument("--work", type=pathlib.Path)
    given = parser.parse_args()
    here, wrong = folder_of(__file__), []
    with tempfile.TemporaryDirectory() as temporary:
        for name in given.names or NETWORKS:
            entry, faults = make(name, given.work or pathlib.Path(temporary), here / "networks")
            write_index(here / "networks.json", [entry])
            wrong += [f"{name}: {fault}" for fault in faults]
    if wrong:
        sys.exit("\n".join(wrong))


def make(name, work, target):
    application, form, options = NETWORKS[name]
    keras.utils.set_random_seed(0)
    net = getattr(keras.applications, application)(weights=None, input_shape=(SIDE, SIDE, 3), classifier_activation=None, **options)
    enliven(net, np.random.default_rng(0).uniform(-1, 1, (8, SIDE, SIDE, 3)).astype(np.float32), SHIFTS.get(name, 0))
    macs, faults = count_layers(net), []
    entry = {"name": name, "source": KERAS, "licence": "Apache-2.0", "exporter": FORMS[form]}
    if form in ("layers", "graph"):
        folder = work / name
        folder.mkdir(parents=True, exist_ok=True)
        path = export_tfjs(net, folder, form)
        pack_tfjs(path, target, name)
        spread = float("nan")
    else:
        path = work / f"{name}.onnx"
        export_onnx(net, path, form)
        pack_onnx(path, target, name)
        spread, reckoned = measure_spread(path), count_onnx(path)
        if abs(reckoned / macs - 1) > 0.005:
            faults.append(f"the layers have {macs / 1e6:.1f} M multiply-adds, the file has {reckoned / 1e6:.1f} M")
        if not spread >= MIN_SPREAD:
            faults.append(f"logits vary by {spread:.1e} of their size over positions")
    size = sum(file.stat().st_size for file in target.glob(f"{name}.*.gz"))
    print(f"{name:24} {macs / 1e6:8.1f} M, spread {spread:.1e}, {size / 1000:.0f} kB, {'; '.join(faults) or 'ok'}", flush=True)
    preprocessing = {"scale": 1 / 127.5, "mean": [1, 1, 1], "std": [1, 1, 1]}
    return entry | {"file": path.name, **preprocessing, "macs": macs}, faults


def enliven(net, images, shift):
    """Draw weights that keep an image's differences through the depth, as make.py does."""
    random = np.random.default_rng(0)
    normalised = [layer for layer in net.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in net.layers:
        for weight in layer.weights:
            if weight.path.endswith("kernel"):
                by_channel = isinstance(layer, keras.layers.DepthwiseConv2D)
                fan_in = np.prod(weight.shape[:2] if by_channel else weight.shape[:-1])
                weight.assign(random.normal(0, (2 / fan_in) ** 0.5, weight.shape))
    for layer in normalised:
        if layer.scale:
            layer.gamma.assign(random.uniform(0.8, 1.2, layer.gamma.shape))
        layer.beta.assign(random.normal(shift, 0.1, layer.beta.shape))
        layer.momentum, layer.usual = 0.0, layer.momentum
    net(images, training=True)
    for layer in normalised:
        mean, variance = layer.moving_mean.numpy(), layer.moving_variance.numpy()
        layer.moving_variance.assign(np.full_like(variance, variance.mean() + mean.var()))
        layer.moving_mean.assign(np.full_like(mean, mean.mean()))
        layer.momentum = layer.usual


def count_layers(net):
    """Multiply-adds of an image, from the extents of layers."""
    return sum(count_layer(layer) for layer in net.layers)


def count_layer(layer):
    if isinstance(layer, keras.layers.Dense):
        return int(np.prod(layer.kernel.shape))
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return int(np.prod(layer.output.shape[1:]) * np.prod(layer.kernel.shape[:2]))
    if isinstance(layer, keras.layers.Conv2D):
        return int(np.prod(layer.output.shape[1:]) * np.prod(layer.kernel.shape[:-1]))
    return 0


def export_onnx(net, path, form):
    if form == "export":
        net.export(str(path), format="onnx", verbose=False)
        return
    signature = [tf.TensorSpec((None, SIDE, SIDE, 3), tf.float32, name="input")]
    function = tf.function(lambda x: net(x, training=False), input_signature=signature)
    tf2onnx.convert.from_function(function, signature, opset=17, inputs_as_nchw=["input"], output_path=str(path))


def export_tfjs(net, folder, form):
    from tensorflowjs.converters import save_keras_model
    from tensorflowjs.converters.tf_saved_model_conversion_v2 import convert_tf_saved_model

    if form == "layers":
        save_keras_model(net, str(folder))
    else:
        with tempfile.TemporaryDirectory() as saved:
            net.export(saved, verbose=False)
            convert_tf_saved_model(saved, str(folder))
    return folder / "model.json"


def pack_tfjs(path, target, name):
    """Pack model.json and its shards, which are one stream of tensors."""
    import json

    manifest = json.loads(path.read_text())["weightsManifest"]
    files, holes, offset = [path], [], path.stat().st_size
    for group in manifest:
        shards = [path.parent / shard for shard in group["paths"]]
        content = b"".join(shard.read_bytes() for shard in shards)
        files += shards
        start = 0
        for weight in group["weights"]:
            count = int(np.prod(weight["shape"], dtype=np.int64))
            if weight["dtype"] == "float32":
                holes.append((offset + start, np.frombuffer(content, "<f4", count, start)))
            elif weight["dtype"] != "int32":
                raise SystemExit(f"Expected float32 or int32, got {weight['dtype']}")
            start += 4 * count
        offset += len(content)
    pack(files, holes, target, name)


if __name__ == "__main__":
    main()
