import { encodeElements, inputTypeOf } from '../backends/element-types.js';
import { externalFolder, sessionOptions } from '../backends/onnxruntime.js';
import { InferenceSession, Tensor } from '../backends/onnxruntime-library.js';
import type { TensorShape } from '../graph/graph.js';
import { type ShapeProbe, shapeName } from '../graph/infer-graph.js';

/**
 * Run a probe in the calling thread.
 *
 * @param folder The bundle's, where the probe finds its weights.
 * @returns Shapes by tensor; none where the runtime cannot run it: they are then not known.
 */
export async function runShapeProbe(
  folder: string,
  { bytes, input, inputShape, tensors }: ShapeProbe,
): Promise<ReadonlyMap<string, TensorShape>> {
  try {
    const session = await InferenceSession.create(bytes, {
      ...sessionOptions({ provider: 'cpu', sessionThreads: 1 }),
      // Run once: what optimizing would win it costs.
      graphOptimizationLevel: 'disabled',
      extra: { session: externalFolder(folder) },
    });
    try {
      const length = inputShape.reduce((product, extent) => product * extent, 1);
      const type = inputTypeOf(session);
      const blank = encodeElements(new Float32Array(length), type);
      const image = new Tensor(type, blank, [...inputShape]);
      const shapes = await session.run({ [input]: image });
      return new Map(
        tensors.flatMap((name) => {
          const extents = shapes[shapeName(name)]?.data;
          return extents instanceof BigInt64Array ? [[name, Array.from(extents, Number)]] : [];
        }),
      );
    } finally {
      await session.release();
    }
  } catch {
    return new Map();
  }
}
