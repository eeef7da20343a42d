import { at } from '@umbra/shared/assert';
import { attributeOf } from './onnx-model.js';
import { windowsOf } from './onnx-windows.js';
import { axesOf, integersAttribute, listOf, textAttribute } from './operand.js';
import {
  globally,
  isPlace,
  type NodeContext,
  type NodeReach,
  onlyMap,
  planar,
  pointwise,
  type ReachRule,
  unknown,
} from './reach-rule.js';
import { slicesOf } from './shape-rules.js';
import { type AxisWindow, endsInPadding } from './window.js';

/** What slides over the rows and columns of a map with channels first. */
function slide({ node, operands: [input] }: NodeContext, kernel: readonly number[]) {
  const { shape, axes } = input ?? {};
  if (shape?.length !== 4) return null;
  if (axes && (axes.y !== planar.y || axes.x !== planar.x)) return null;
  const [y, x] = windowsOf(node, kernel, shape.slice(2)) ?? [];
  if (y === undefined || x === undefined) return null;
  return endsInPadding(y, at(shape, 2)) || endsInPadding(x, at(shape, 3)) ? null : { y, x };
}

/** @param padValue What the padding holds: see `Reach`. */
const windowed = (
  windows: { readonly y: AxisWindow; readonly x: AxisWindow } | null,
  padValue: number | null,
): NodeReach =>
  windows === null ? unknown : { reach: { kind: 'window', ...windows, padValue }, axes: planar };

const conv: ReachRule = (context) => {
  const [, weight] = context.operands;
  const [, , ...kernel] = weight?.shape ?? [];
  return weight?.constant ? windowed(slide(context, kernel), 0) : unknown;
};

const maxPool: ReachRule = (context) => {
  const { node } = context;
  const facts = windowed(
    slide(context, integersAttribute(node, 'kernel_shape')),
    Number.NEGATIVE_INFINITY,
  );
  // The last window may reach further beyond the map than runtimes take as padding.
  const dilated = Math.max(1, ...integersAttribute(node, 'dilations')) > 1;
  const ceil = attributeOf(node, 'ceil_mode')?.i === 1;
  return (dilated && ceil) || node.output.length > 1 ? unknown : facts;
};

const averagePool: ReachRule = (context) => {
  const { node } = context;
  const countsPadding = attributeOf(node, 'count_include_pad')?.i === 1;
  const windows = slide(context, integersAttribute(node, 'kernel_shape'));
  // Runtimes do not agree on the divisor of a window that reaches beyond the padding.
  return windows?.y.ceil && countsPadding ? unknown : windowed(windows, countsPadding ? 0 : null);
};

const step: Omit<AxisWindow, 'padBegin' | 'padEnd'> = {
  kernel: 1,
  stride: 1,
  dilation: 1,
  ceil: false,
};

/** `Pad` on the spatial axes: a window of one input that may lie outside. */
const pad: ReachRule = ({ node, operands }) => {
  const [input, amounts, value, axesInput] = operands;
  const pads = listOf(node, 'pads', amounts);
  const mode = textAttribute(node, 'mode') || 'constant';
  const map = onlyMap(operands);
  if (map === null || pads === null || mode !== 'constant') return unknown;
  const rank = map.shape.length;
  const listed = axesOf(node, axesInput, rank);
  if (listed === null || input === undefined) return unknown;
  const axes = listed.length > 0 ? listed : [...map.shape.keys()];
  const amount = (axis: number) => {
    const place = axes.indexOf(axis);
    return place < 0 ? [0, 0] : [at(pads, place), at(pads, place + axes.length)];
  };
  const still = [...map.shape.keys()].every(
    (axis) => axis === map.axes.y || axis === map.axes.x || Math.max(...amount(axis)) === 0,
  );
  const fill = value === undefined ? (attributeOf(node, 'value')?.f ?? 0) : value.values?.[0];
  if (!still || fill === undefined || Math.min(...pads) < 0) return unknown;
  const window = (axis: number): AxisWindow => {
    const [padBegin = 0, padEnd = 0] = amount(axis);
    return { ...step, padBegin, padEnd };
  };
  const windows = { y: window(map.axes.y), x: window(map.axes.x) };
  return { reach: { kind: 'window', ...windows, padValue: fill }, axes: map.axes };
};

/** Takes stretches of channels; or every nth row or column, as a window of one that strides. */
const slice: ReachRule = ({ node, operands }) => {
  const map = onlyMap(operands);
  const slices = slicesOf(node, operands);
  if (map === null) return globally;
  if (slices === null) return unknown;
  const placed = slices.filter(
    ({ axis, length, step: by }) =>
      isPlace(axis, map.axes) && (length !== map.shape[axis] || by !== 1),
  );
  if (placed.length === 0) return pointwise(map.axes);
  const others = slices.filter(({ axis }) => !isPlace(axis, map.axes));
  if (others.some(({ axis, length, step: by }) => length !== map.shape[axis] || by !== 1))
    return unknown;
  if (placed.some(({ axis, step: by, length }) => axis === 0 || by < 1 || length === 0))
    return globally;
  const window = (axis: number): AxisWindow => {
    const {
      start,
      step: stride,
      length,
    } = placed.find((one) => one.axis === axis) ?? {
      start: 0,
      step: 1,
      length: at(map.shape, axis),
    };
    const padEnd = start + (length - 1) * stride + 1 - at(map.shape, axis);
    return { ...step, stride, padBegin: -start, padEnd };
  };
  const windows = { y: window(map.axes.y), x: window(map.axes.x) };
  return { reach: { kind: 'window', ...windows, padValue: null }, axes: map.axes };
};

export const windowReach: Readonly<Record<string, ReachRule>> = {
  Conv: conv,
  MaxPool: maxPool,
  AveragePool: averagePool,
  Pad: pad,
  Slice: slice,
};
