"""Reckons what the zoo's files must come to: multiply-adds from shapes, and how far logits vary."""

import numpy as np
import onnx
import onnxruntime

IMAGENET = {"scale": 1 / 255, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
CLASSES = 5


def open_session(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def input_of(session, batch):
    """An image of noise, its values in [-2, 2), batch times."""
    port = session.get_inputs()[0]
    shape = [1 if not isinstance(extent, int) else extent for extent in port.shape]
    image = np.random.default_rng(1).uniform(-2, 2, [1, *shape[1:]]).astype(np.float32)
    return port, np.repeat(image, batch, 0)


def measure_spread(path, side=3):
    """The median over an image's top classes of (max - min) / max|.| of a logit over side x side positions."""
    session = open_session(path)
    port, images = input_of(session, side * side + 1)
    channels_last = images.shape[-1] in (1, 3)
    for position in range(side * side):
        view = images[position] if channels_last else images[position].transpose(1, 2, 0)
        height, width = (extent // side for extent in view.shape[:2])
        row, column = divmod(position, side)
        view[row * height : (row + 1) * height, column * width : (column + 1) * width] = 0
    logits = np.concatenate([session.run(None, {port.name: image[None]})[0] for image in images])
    top = np.argsort(-logits[-1])[:CLASSES]
    watched = logits[:-1][:, top]
    return float(np.median((watched.max(0) - watched.min(0)) / np.abs(watched).max(0)))


PRODUCTS = {"Conv", "ConvTranspose", "FusedConv", "MatMul", "Gemm", "Einsum"}


def count_onnx(path):
    """Multiply-adds of an image, from the shapes of every product's inputs and output."""
    model = onnx.load(path)
    assert not model.functions, "functions hide products"
    products = [node for node in model.graph.node if node.op_type in PRODUCTS]
    kinds = {node.op_type for node in model.graph.node}
    assert not kinds & {"Attention", "MultiHeadAttention", "LSTM", "GRU", "RNN", "If", "Loop", "Scan"}, kinds
    wanted = {name for node in products for name in (*node.input[:2], node.output[0]) if name}
    weights = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    known = {output.name for output in model.graph.output}
    computed = {name for node in model.graph.node for name in node.output}
    extra = sorted((wanted & computed) - known)
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in extra)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    named = str(path) + ".shapes"
    onnx.save(model, named, save_as_external_data=True, location=path.name + ".shapes.data")
    try:
        session = onnxruntime.InferenceSession(named, options, providers=["CPUExecutionProvider"])
    finally:
        path.with_name(path.name + ".shapes").unlink()
        path.with_name(path.name + ".shapes.data").unlink(missing_ok=True)
    port, image = input_of(session, 1)
    values = session.run(extra, {port.name: image})
    shapes = weights | {name: value.shape for name, value in zip(extra, values)} | {port.name: image.shape}
    shapes |= {output.name: [1] for output in model.graph.output if output.name not in shapes}
    return sum(count_node(node, shapes) for node in products)


def count_node(node, shapes):
    first, second = (shapes[name] for name in node.input[:2])
    attributes = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    size = int(np.prod(shapes[node.output[0]], dtype=np.int64))
    if node.op_type in ("Conv", "FusedConv"):
        return size * int(np.prod(second[1:]))
    if node.op_type == "ConvTranspose":
        return int(np.prod(first)) * int(np.prod(second[1:]))
    if node.op_type == "MatMul":
        return int(np.prod(first[:-2])) * first[-2] * first[-1] * second[-1] if len(second) == 2 else size * first[-1]
    if node.op_type == "Gemm":
        rows, depth = first[::-1] if attributes.get("transA") else first
        return rows * depth * (second[0] if attributes.get("transB") else second[1])
    equation = attributes["equation"].decode().split("->")[0].split(",")
    letters = dict(zip("".join(equation).replace(" ", ""), (*first, *second)))
    return int(np.prod(list(letters.values())))
