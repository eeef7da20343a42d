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
  seenAt: z.iso.datetime(),
});
export type WorkerNotice = z.output<typeof workerNotice>;
