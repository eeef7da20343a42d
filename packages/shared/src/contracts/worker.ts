import { z } from 'zod';
import { modelBundle } from './model.js';

/** What a worker says of itself, and `GET /v1/workers` passes on. */
export const workerNotice = z.object({
  id: z.string(),
  /** Formats of models that it runs; none where it takes other steps only. */
  formats: z.array(modelBundle.shape.format),
  inferenceThreads: z.int().min(0),
  /** Runtime by family of formats, with its device: `{"onnx": "onnxruntime cpu"}`. */
  backends: z.record(z.string(), z.string()),
  /** Version of Umbra; absent in notices of versions before it was said. */
  umbraVersion: z.string().optional(),
  seenAt: z.iso.datetime(),
});
export type WorkerNotice = z.output<typeof workerNotice>;

/** Notices that call an inference thread a lane; they have no version. */
const laneNotice = workerNotice
  .omit({ inferenceThreads: true })
  .extend({ lanes: workerNotice.shape.inferenceThreads });

/** What a worker of any version says, in the words of the newest. */
export const storedWorkerNotice = z.union([
  workerNotice,
  laneNotice.transform(({ lanes, ...old }): WorkerNotice => ({ ...old, inferenceThreads: lanes })),
]);
