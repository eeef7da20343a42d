import { at } from '@umbra/shared/assert';
import type { TensorShape } from './graph.js';
import { integerAttribute } from './onnx-model.js';
import type { NodeProto } from './onnx-proto.js';
import { windowsOf } from './onnx-windows.js';
import { axesOf, integersAttribute, listOf, type Operand, textAttribute } from './operand.js';
import type { ShapeRule, ShapeRules } from './shape-rule.js';
import { outputExtent } from './window.js';

/** Slide a kernel over all axes but the first two. */
function slid(
  node: NodeProto,
  input: TensorShape | null | undefined,
  kernel: readonly number[],
  channels: number | undefined,
): TensorShape | null {
  const [batch, , ...extents] = input ?? [];
  const windows = windowsOf(node, kernel, extents);
  if (batch === undefined || channels === undefined || windows === null) return null;
  return [
    batch,
    channels,
    ...windows.map((window, axis) => outputExtent(window, at(extents, axis))),
  ];
}

const convolve = (node: NodeProto, input?: Operand, weight?: Operand): TensorShape | null => {
  const [channels, perGroup = Number.NaN, ...kernel] = weight?.shape ?? [];
  const groups = integerAttribute(node, 'group', 1);
  if (input?.shape?.[1] !== groups * perGroup) return null;
  return slid(node, input.shape, kernel, channels);
};

const pool: ShapeRule = (node, [input]) => {
  const shape = slid(
    node,
    input?.shape,
    integersAttribute(node, 'kernel_shape'),
    input?.shape?.[1],
  );
  return [shape, shape];
};

const globalPool: ShapeRule = (_node, [input]) => [
  input?.shape?.map((extent, axis) => (axis < 2 ? extent : 1)) ?? null,
];

const convTranspose: ShapeRule = (node, [input, weight]) => {
  const [batch, , ...extents] = input?.shape ?? [];
  const [, perGroup, ...kernel] = weight?.shape ?? [];
  if (batch === undefined || perGroup === undefined || kernel.length !== extents.length) return [];
  const channels = perGroup * integerAttribute(node, 'group', 1);
  const listed = integersAttribute(node, 'output_shape');
  if (listed.length > 0) return [[batch, channels, ...listed.slice(-extents.length)]];
  const strides = integersAttribute(node, 'strides');
  const dilations = integersAttribute(node, 'dilations');
  const pads = integersAttribute(node, 'pads');
  const more = integersAttribute(node, 'output_padding');
  const rule = textAttribute(node, 'auto_pad');
  return [
    [
      batch,
      channels,
      ...extents.map((extent, axis) => {
        const stride = strides[axis] ?? 1;
        if (rule.startsWith('SAME')) return extent * stride;
        const padded = (pads[axis] ?? 0) + (pads[axis + extents.length] ?? 0);
        const span = (at(kernel, axis) - 1) * (dilations[axis] ?? 1) + 1;
        return stride * (extent - 1) + (more[axis] ?? 0) + span - padded;
      }),
    ],
  ];
};

const pad: ShapeRule = (node, [input, amounts, , axesInput]) => {
  const shape = input?.shape;
  const pads = listOf(node, 'pads', amounts);
  const listed = shape == null ? null : axesOf(node, axesInput, shape.length);
  if (shape == null || pads === null || listed === null) return [];
  const axes = listed.length > 0 ? listed : [...shape.keys()];
  return [
    axes.reduce<TensorShape>((extents, axis, index) => {
      const more = at(pads, index) + at(pads, index + axes.length);
      return extents.with(axis, at(shape, axis) + more);
    }, shape),
  ];
};

export const windowShapes: ShapeRules = {
  Conv: (node, [input, weight]) => [convolve(node, input, weight)],
  FusedConv: (node, [input, weight]) => [convolve(node, input, weight)],
  ConvInteger: (node, [input, weight]) => [convolve(node, input, weight)],
  DeformConv: (node, [input, weight]) => [convolve(node, input, weight)],
  QLinearConv: (node, operands) => [convolve(node, operands[0], operands[3])],
  ConvTranspose: convTranspose,
  MaxPool: pool,
  AveragePool: pool,
  LpPool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  GlobalLpPool: globalPool,
  Pad: pad,
};
