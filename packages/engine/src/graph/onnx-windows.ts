import { attributeOf } from './onnx-model.js';
import type { NodeProto } from './onnx-proto.js';
import type { AxisWindow } from './window.js';

/**
 * The windows of a convolution or pooling over a map.
 *
 * @param kernel [height, width]
 * @param height Extent of the map.
 * @param width Extent of the map.
 * @returns null where the node has another number of axes or a padding rule that is not known.
 */
export function windowsOf(
  node: NodeProto,
  kernel: readonly number[],
  height: number,
  width: number,
): { readonly y: AxisWindow; readonly x: AxisWindow } | null {
  const [kernelY, kernelX] = kernel;
  if (kernel.length !== 2 || kernelY === undefined || kernelX === undefined) return null;
  const [strideY = 1, strideX = 1] = integersAttribute(node, 'strides');
  const [dilationY = 1, dilationX = 1] = integersAttribute(node, 'dilations');
  const [top = 0, left = 0, bottom = 0, right = 0] = integersAttribute(node, 'pads');
  const ceil = attributeOf(node, 'ceil_mode')?.i === 1;
  const y = { kernel: kernelY, stride: strideY, dilation: dilationY, ceil };
  const x = { kernel: kernelX, stride: strideX, dilation: dilationX, ceil };
  switch (textAttribute(node, 'auto_pad') || 'NOTSET') {
    case 'NOTSET':
      return {
        y: { ...y, padBegin: top, padEnd: bottom },
        x: { ...x, padBegin: left, padEnd: right },
      };
    case 'VALID':
      return { y: { ...y, padBegin: 0, padEnd: 0 }, x: { ...x, padBegin: 0, padEnd: 0 } };
    case 'SAME_UPPER':
      return { y: padSame(y, height, false), x: padSame(x, width, false) };
    case 'SAME_LOWER':
      return { y: padSame(y, height, true), x: padSame(x, width, true) };
    default:
      return null;
  }
}

type Unpadded = Omit<AxisWindow, 'padBegin' | 'padEnd'>;

/** `SAME`: as many outputs as strides fit; an odd pad goes to the end, or to the beginning. */
function padSame(window: Unpadded, extent: number, moreAtBegin: boolean): AxisWindow {
  const { kernel, stride, dilation } = window;
  const span = (kernel - 1) * dilation + 1;
  const total = Math.max(0, (Math.ceil(extent / stride) - 1) * stride + span - extent);
  const less = Math.floor(total / 2);
  const [padBegin, padEnd] = moreAtBegin ? [total - less, less] : [less, total - less];
  return { ...window, padBegin, padEnd };
}

/** A list attribute; empty where the node leaves it out. */
export const integersAttribute = (node: NodeProto, name: string): readonly number[] =>
  attributeOf(node, name)?.ints ?? [];

/** A text attribute; empty where the node leaves it out. */
export function textAttribute(node: NodeProto, name: string): string {
  const bytes = attributeOf(node, name)?.s;
  return bytes === undefined ? '' : Buffer.from(bytes).toString();
}
