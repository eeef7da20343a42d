import { at } from '@umbra/shared/assert';
import { attributeOf } from './onnx-model.js';
import type { NodeProto } from './onnx-proto.js';
import { integersAttribute, textAttribute } from './operand.js';
import type { AxisWindow } from './window.js';

/**
 * The windows of a convolution or pooling, one a spatial axis.
 *
 * @param kernel Extents of the kernel.
 * @param extents Those of the map.
 * @returns null where the node has another number of axes or a padding rule that is not known.
 */
export function windowsOf(
  node: NodeProto,
  kernel: readonly number[],
  extents: readonly number[],
): readonly AxisWindow[] | null {
  if (kernel.length !== extents.length || kernel.length === 0) return null;
  const strides = integersAttribute(node, 'strides');
  const dilations = integersAttribute(node, 'dilations');
  const pads = integersAttribute(node, 'pads');
  const ceil = attributeOf(node, 'ceil_mode')?.i === 1;
  const rule = textAttribute(node, 'auto_pad') || 'NOTSET';
  const windows = extents.map((extent, axis): AxisWindow | null => {
    const stride = strides[axis] ?? 1;
    const dilation = dilations[axis] ?? 1;
    const window = { kernel: at(kernel, axis), stride, dilation, ceil };
    switch (rule) {
      case 'NOTSET':
        return { ...window, padBegin: pads[axis] ?? 0, padEnd: pads[axis + extents.length] ?? 0 };
      case 'VALID':
        return { ...window, padBegin: 0, padEnd: 0 };
      case 'SAME_UPPER':
        return padSame(window, extent, false);
      case 'SAME_LOWER':
        return padSame(window, extent, true);
      default:
        return null;
    }
  });
  return windows.every((window) => window !== null) ? windows : null;
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
