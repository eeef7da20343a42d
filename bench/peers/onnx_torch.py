"""Runs an ONNX image classifier with PyTorch operators, one ONNX node at a time.

`OnnxTorch` is a torch.nn.Module built from an ONNX file. It fuses nothing and
    rewrites nothing: every node becomes one PyTorch call, so its scores are an
    independent check of another runtime on the same weights. Nodes whose inputs
    are all constant (such as a Cast of stored half-precision weights) are
    computed once at load. Two inputs are prepared once as well: a dense weight
    that is not transposed yet, and paddings that are equal on both sides, which
    are passed to the convolution or pooling itself.
Inputs: the path of an ONNX file; its first graph input is the image batch
    [N, C, H, W]. Plain convolutional networks in two dimensions are supported;
    an unknown operator or attribute raises NotImplementedError at load.
Outputs: calling the module returns the first graph output as a tensor.
Versions: torch 2.13.0, onnx 1.23.2, numpy 2.4.6 (see requirements.txt).

    net = OnnxTorch("model.onnx")
    with torch.inference_mode():
        logits = net(torch.zeros(1, 3, 224, 224))
"""

import math

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import helper, numpy_helper

DTYPES = {
    onnx.TensorProto.FLOAT: torch.float32,
    onnx.TensorProto.FLOAT16: torch.float16,
    onnx.TensorProto.BFLOAT16: torch.bfloat16,
    onnx.TensorProto.DOUBLE: torch.float64,
    onnx.TensorProto.INT64: torch.int64,
    onnx.TensorProto.INT32: torch.int32,
    onnx.TensorProto.INT8: torch.int8,
    onnx.TensorProto.UINT8: torch.uint8,
    onnx.TensorProto.BOOL: torch.bool,
}


def _tensor(proto):
    """A torch tensor that owns a copy of an ONNX tensor's values."""
    return torch.from_numpy(np.array(numpy_helper.to_array(proto)))


class _Node:
    """One ONNX node as the builders read it: attributes and constant inputs."""

    def __init__(self, proto, constants, opset):
        self.op = proto.op_type
        self.name = proto.name or proto.output[0]
        self.inputs = list(proto.input)
        self.outputs = list(proto.output)
        self.attributes = {a.name: helper.get_attribute_value(a) for a in proto.attribute}
        self.constants = constants
        self.opset = opset

    def attribute(self, name, default=None):
        value = self.attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else value

    def has(self, index):
        return index < len(self.inputs) and self.inputs[index] != ""

    def constant(self, index, default=None):
        """The constant tensor at an input, `default` if it is omitted; refuses a computed one."""
        if not self.has(index):
            return default
        if self.inputs[index] not in self.constants:
            self.refuse(f"input {index} is not constant")
        return self.constants[self.inputs[index]]

    def numbers(self, index, attribute=None, default=None):
        """A list of numbers given as a constant input or, in older opsets, as an attribute."""
        if self.has(index):
            return self.constant(index).reshape(-1).tolist()
        value = self.attributes.get(attribute, default) if attribute else default
        return None if value is None else list(value)

    def refuse(self, why):
        raise NotImplementedError(f"{self.op} '{self.name}': {why}")


def _window(node, kernel):
    """Strides, dilations and a function (height, width) -> (top, left, bottom, right)."""
    if len(kernel) != 2:
        node.refuse("only two spatial dimensions are supported")
    strides = list(node.attribute("strides", [1, 1]))
    dilations = list(node.attribute("dilations", [1, 1]))
    mode = node.attribute("auto_pad", "NOTSET")
    if mode == "NOTSET":
        fixed = tuple(node.attribute("pads", [0, 0, 0, 0]))
        return strides, dilations, lambda height, width: fixed
    if mode == "VALID":
        return strides, dilations, lambda height, width: (0, 0, 0, 0)

    def same(height, width):
        before, after = [], []
        for size, k, s, d in zip((height, width), kernel, strides, dilations):
            total = max((math.ceil(size / s) - 1) * s + (k - 1) * d + 1 - size, 0)
            small, large = total // 2, total - total // 2
            before.append(small if mode == "SAME_UPPER" else large)
            after.append(large if mode == "SAME_UPPER" else small)
        return (*before, *after)

    return strides, dilations, same


def _conv(node):
    strides, dilations, pads_of = _window(node, node.constant(1).shape[2:])
    groups = node.attribute("group", 1)

    def run(x, weight, bias=None):
        top, left, bottom, right = pads_of(x.shape[2], x.shape[3])
        if top == bottom and left == right:
            return F.conv2d(x, weight, bias, strides, (top, left), dilations, groups)
        x = F.pad(x, (left, right, top, bottom))
        return F.conv2d(x, weight, bias, strides, 0, dilations, groups)

    return run


def _max_pool(node):
    kernel = list(node.attribute("kernel_shape"))
    strides, dilations, pads_of = _window(node, kernel)
    ceil = bool(node.attribute("ceil_mode", 0))
    if len(node.outputs) > 1:
        node.refuse("the indices output is not supported")

    def run(x):
        top, left, bottom, right = pads_of(x.shape[2], x.shape[3])
        even = top == bottom and left == right
        if even and 2 * top <= kernel[0] and 2 * left <= kernel[1]:
            return F.max_pool2d(x, kernel, strides, (top, left), dilations, ceil)
        x = F.pad(x, (left, right, top, bottom), value=-math.inf)
        return F.max_pool2d(x, kernel, strides, 0, dilations, ceil)

    return run


def _average_pool(node):
    kernel = list(node.attribute("kernel_shape"))
    strides, dilations, pads_of = _window(node, kernel)
    ceil = bool(node.attribute("ceil_mode", 0))
    include = bool(node.attribute("count_include_pad", 0))
    if dilations != [1, 1]:
        node.refuse("dilation is not supported")

    def run(x):
        top, left, bottom, right = pads_of(x.shape[2], x.shape[3])
        even = top == bottom and left == right
        if even and 2 * top <= kernel[0] and 2 * left <= kernel[1]:
            return F.avg_pool2d(x, kernel, strides, (top, left), ceil, include)
        pads = (left, right, top, bottom)
        if include:
            return F.avg_pool2d(F.pad(x, pads), kernel, strides, 0, ceil)
        ones = F.pad(torch.ones_like(x[:1, :1]), pads)
        share = F.avg_pool2d(ones, kernel, strides, 0, ceil)
        return F.avg_pool2d(F.pad(x, pads), kernel, strides, 0, ceil) / share

    return run


def _batch_normalization(node):
    if node.attribute("training_mode", 0):
        node.refuse("training mode is not supported")
    epsilon = node.attribute("epsilon", 1e-5)
    return lambda x, scale, bias, mean, var: F.batch_norm(x, mean, var, scale, bias, False, 0.0, epsilon)


def _clip(node):
    low = node.constant(1, node.attribute("min"))
    high = node.constant(2, node.attribute("max"))
    low = None if low is None else float(low)
    high = None if high is None else float(high)
    if low is None and high is None:
        return lambda x, *bounds: x
    if low == 0 and high == 6:
        return lambda x, *bounds: F.relu6(x)
    return lambda x, *bounds: torch.clamp(x, low, high)


def _gemm(node):
    alpha, beta = node.attribute("alpha", 1.0), node.attribute("beta", 1.0)
    trans_a = bool(node.attribute("transA", 0))
    trans_b = bool(node.attribute("transB", 0))

    def run(a, b, c=None):
        a = a.t() if trans_a else a
        if alpha == 1.0 and beta == 1.0 and (c is None or c.dim() == 1):
            return F.linear(a, b if trans_b else b.t(), c)
        y = alpha * (a @ (b.t() if trans_b else b))
        return y if c is None else y + beta * c

    return run


def _reduce_mean(node):
    axes = node.numbers(1, "axes")
    keep = bool(node.attribute("keepdims", 1))
    if not axes and node.attribute("noop_with_empty_axes", 0):
        return lambda x, *rest: x
    return lambda x, *rest: torch.mean(x, axes or list(range(x.dim())), keep)


def _reshape(node):
    zero_is_zero = bool(node.attribute("allowzero", 0))

    def run(x, shape):
        sizes = shape.tolist()
        if not zero_is_zero:
            sizes = [x.shape[i] if size == 0 else size for i, size in enumerate(sizes)]
        return x.reshape(sizes)

    return run


def _flatten(node):
    axis = node.attribute("axis", 1)
    if axis == 1:
        return lambda x: torch.flatten(x, 1)
    return lambda x: x.reshape(math.prod(x.shape[: axis % (x.dim() + 1)]), -1)


def _softmax(node):
    axis = node.attribute("axis", -1 if node.opset >= 13 else 1)
    if node.opset >= 13:
        return lambda x: torch.softmax(x, axis)
    return lambda x: torch.softmax(x.flatten(axis % x.dim()), -1).reshape(x.shape)


def _pad(node):
    mode = node.attribute("mode", "constant")
    modes = {"constant": "constant", "reflect": "reflect", "edge": "replicate"}
    if mode not in modes:
        node.refuse(f"mode {mode}")
    pads = [int(p) for p in node.numbers(1, "pads")]
    value = node.constant(2, node.attribute("value", 0.0))
    value = float(value)
    if node.has(3):
        node.refuse("axes are not supported")
    half = len(pads) // 2
    pairs = [(pads[i], pads[i + half]) for i in range(half)]
    while len(pairs) > (0 if mode == "constant" else 2) and pairs[0] == (0, 0):
        pairs.pop(0)
    flat = [side for pair in reversed(pairs) for side in pair]
    if not flat:
        return lambda x, *rest: x
    if mode == "constant":
        return lambda x, *rest: F.pad(x, flat, value=value)
    return lambda x, *rest: F.pad(x, flat, mode=modes[mode])


def _squeeze(node):
    axes = node.numbers(1, "axes")
    return lambda x, *rest: x.squeeze(tuple(axes)) if axes else x.squeeze()


def _unsqueeze(node):
    axes = node.numbers(1, "axes")

    def run(x, *rest):
        rank = x.dim() + len(axes)
        for axis in sorted(a % rank for a in axes):
            x = x.unsqueeze(axis)
        return x

    return run


def _transpose(node):
    order = node.attribute("perm")
    return lambda x: x.permute(*(order or reversed(range(x.dim()))))


def _hard_sigmoid(node):
    alpha, beta = node.attribute("alpha", 0.2), node.attribute("beta", 0.5)
    return lambda x: torch.clamp(alpha * x + beta, 0, 1)


def _cast(node):
    target = DTYPES.get(node.attribute("to"))
    if target is None:
        node.refuse("type is not supported")
    return lambda x: x.to(target)


def _concat(node):
    axis = node.attribute("axis")
    return lambda *parts: torch.cat(parts, axis)


def _gather(node):
    axis = node.attribute("axis", 0)

    def run(x, index):
        taken = torch.index_select(x, axis, index.reshape(-1) % x.shape[axis])
        at = axis % x.dim()
        return taken.reshape(*x.shape[:at], *index.shape, *x.shape[at + 1 :])

    return run


def _leaky_relu(node):
    slope = node.attribute("alpha", 0.01)
    return lambda x: F.leaky_relu(x, slope)


def _divide(x, y):
    """Division as in ONNX: integers are truncated towards zero."""
    return torch.div(x, y, rounding_mode=None if x.is_floating_point() else "trunc")


def _dropout(node):
    return lambda x, *rest: x


def _plain(function):
    """A builder for an operator without attributes."""
    return lambda node: function


BUILDERS = {
    "Add": _plain(torch.add),
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_normalization,
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _concat,
    "Conv": _conv,
    "Div": _plain(_divide),
    "Dropout": _dropout,
    "Flatten": _flatten,
    "Gather": _gather,
    "Gemm": _gemm,
    "GlobalAveragePool": _plain(lambda x: F.adaptive_avg_pool2d(x, 1)),
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _plain(F.hardswish),
    "Identity": _plain(lambda x: x),
    "LeakyRelu": _leaky_relu,
    "MatMul": _plain(torch.matmul),
    "MaxPool": _max_pool,
    "Mul": _plain(torch.mul),
    "Pad": _pad,
    "ReduceMean": _reduce_mean,
    "Relu": _plain(F.relu),
    "Reshape": _reshape,
    "Shape": _plain(lambda x: torch.tensor(x.shape, dtype=torch.int64)),
    "Sigmoid": _plain(torch.sigmoid),
    "Softmax": _softmax,
    "Squeeze": _squeeze,
    "Sub": _plain(torch.sub),
    "Tanh": _plain(torch.tanh),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}


def _constant_node(node):
    """The tensor a Constant node holds."""
    if "value" in node.attributes:
        return _tensor(node.attributes["value"])
    for name, kind in (("value_float", torch.float32), ("value_floats", torch.float32),
                       ("value_int", torch.int64), ("value_ints", torch.int64)):
        if name in node.attributes:
            return torch.tensor(node.attributes[name], dtype=kind)
    node.refuse("this kind of constant is not supported")


class OnnxTorch(torch.nn.Module):
    """An ONNX graph as a PyTorch module; constants are buffers, so `.to(...)` moves them."""

    def __init__(self, path):
        super().__init__()
        model = onnx.load(path)
        opset = max(i.version for i in model.opset_import if i.domain in ("", "ai.onnx"))
        graph = model.graph
        constants = {t.name: _tensor(t) for t in graph.initializer}
        given = [i for i in graph.input if i.name not in constants]
        if len(given) != 1:
            raise NotImplementedError(f"expected one graph input, found {len(given)}")
        self.input_name = given[0].name
        self.input_shape = [d.dim_value or None for d in given[0].type.tensor_type.shape.dim]
        self.output_name = graph.output[0].name

        steps = []  # (function, names of inputs, name of output)
        for proto in graph.node:
            node = _Node(proto, constants, opset)
            if node.op == "Constant":
                constants[node.outputs[0]] = _constant_node(node)
                continue
            if proto.domain not in ("", "ai.onnx") or node.op not in BUILDERS:
                raise NotImplementedError(f"operator {proto.domain}:{node.op} ('{node.name}')")
            inputs = node.inputs
            while inputs and inputs[-1] == "":
                inputs.pop()
            if node.op == "Gemm" and inputs[1] in constants and not node.attribute("transB", 0):
                # Transpose a dense weight once, instead of at every call.
                turned = inputs[1] + " (transposed)"
                constants[turned] = constants[inputs[1]].t().contiguous()
                inputs[1] = turned
                node.attributes["transB"] = 1
            function = BUILDERS[node.op](node)
            if all(name in constants or name == "" for name in inputs):
                with torch.no_grad():
                    arguments = [constants[name] if name else None for name in inputs]
                    constants[node.outputs[0]] = function(*arguments)
                continue
            steps.append((function, inputs, node.outputs[0]))

        # Slots instead of names; a slot is emptied after its last reader.
        wanted = {name for _, inputs, _ in steps for name in inputs} | {self.output_name}
        slots = {"": 0}
        self._constants = []
        for name, value in constants.items():
            if name in wanted:
                slots[name] = len(slots)
                buffer = f"constant{slots[name]}"
                self.register_buffer(buffer, value)
                self._constants.append((slots[name], buffer))
        fixed = len(slots)
        slots[self.input_name] = fixed
        for _, _, output in steps:
            slots[output] = len(slots)
        last = {}
        for i, (_, inputs, _) in enumerate(steps):
            for name in inputs:
                last[slots[name]] = i
        self._steps = []
        for i, (function, inputs, output) in enumerate(steps):
            read = [slots[name] for name in inputs]
            drop = [s for s in set(read) if s >= fixed and last[s] == i and s != slots[self.output_name]]
            self._steps.append((function, read, slots[output], drop))
        self._count = len(slots)
        self._input, self._output = slots[self.input_name], slots[self.output_name]

    def forward(self, x):
        values = [None] * self._count
        for slot, name in self._constants:
            values[slot] = self._buffers[name]
        values[self._input] = x
        for function, read, write, drop in self._steps:
            values[write] = function(*[values[slot] for slot in read])
            for slot in drop:
                values[slot] = None
        return values[self._output]
