import type { FoldedConstant, OnnxGraph } from '../../graph/from-onnx.js';
import { type NodeProto, onnxType, type TensorProto } from '../../graph/onnx-proto.js';

type Given = { readonly nodes: readonly NodeProto[]; readonly constants: readonly TensorProto[] };

/** Element types that can be written here. */
const types: readonly number[] = [onnxType.float, onnxType.int64, onnxType.int32, onnxType.bool];

/** Whether a folded constant can be given to a model that runs several images at once. */
export const canGive = ({ type, perImage }: FoldedConstant): boolean =>
  types.includes(type) &&
  perImage !== null &&
  (type === onnxType.int64 || perImage.every((more) => more === 0));

/** The same constants, for a model that runs one image at a time. */
export const forOneImage = (folded: OnnxGraph['folded']): ReadonlyMap<string, FoldedConstant> =>
  new Map(
    [...folded].map(
      ([name, one]) => [name, { ...one, perImage: one.values.map(() => 0) }] as const,
    ),
  );

/** Whether a file, written for one image perhaps, holds for several at once. */
export function canBatch({ nodes, output, folded, shapes, ofTwo }: OnnxGraph): boolean {
  const [images, imagesOfTwo] = [shapes.get(output)?.[0], ofTwo.get(output)?.[0]];
  if (images !== undefined && imagesOfTwo !== 2 * images) return false;
  const tensors = nodes.flatMap(({ outputs }) => outputs);
  return (
    [...folded.values()].every(canGive) &&
    tensors.every((name) => shapes.get(name) == null || ofTwo.get(name) != null)
  );
}

/**
 * Give a model numbers that its network computes from extents, which windows do not have.
 *
 * @param input Name of an input of the model, whose first axis is of images.
 */
export function giveFolded(name: string, folded: FoldedConstant, input: string): Given {
  const { shape, values, type, perImage } = folded;
  if (perImage === null || !canGive(folded)) throw new Error(`Expected '${name}' to be known`);
  const dims = [...shape];
  const own = (suffix: string) => `${name}:${suffix}`;
  if (perImage.every((more) => more === 0)) {
    return { nodes: [], constants: [{ name, dims, dataType: type, ...dataOf(type, values) }] };
  }
  const whole = (suffix: string, numbers: readonly number[], extents: readonly number[]) => {
    return {
      name: own(suffix),
      dims: [...extents],
      dataType: onnxType.int64,
      int64Data: [...numbers],
    };
  };
  const node = (opType: string, inputs: readonly string[], output: string): NodeProto => {
    return { opType, input: [...inputs], output: [output] };
  };
  return {
    nodes: [
      node('Shape', [input], own('extents')),
      node('Gather', [own('extents'), own('first')], own('images')),
      node('Mul', [own('images'), own('per-image')], own('all')),
      node('Add', [own('all'), own('none')], name),
    ],
    constants: [
      whole('first', [0], []),
      whole('per-image', perImage, dims),
      // What no image would give.
      whole(
        'none',
        values.map((value, index) => value - (perImage[index] ?? 0)),
        dims,
      ),
    ],
  };
}

const dataOf = (type: number, values: readonly number[]): Partial<TensorProto> => {
  if (type === onnxType.float) return { floatData: [...values] };
  return type === onnxType.int64 ? { int64Data: [...values] } : { int32Data: [...values] };
};
