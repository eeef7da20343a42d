/** A worker thread that holds one session of each open model and runs one batch at a time. */
import { parentPort } from 'node:worker_threads';
import { integrity, type ModelBundle, reportError } from '@umbra/shared';
import type { Backend } from '../backends/backend.js';
import { loadBackend } from '../backends/load-backend.js';
import { fillBox } from '../occlusion/fill.js';
import type { LaneReply, LaneRequest, Numbered } from './messages.js';

const port = parentPort;
if (port === null) throw new Error('Expected to run as a worker thread');

const models = new Map<string, { backend: Backend; bundle: ModelBundle }>();
/** Kept between batches: a new large array each time would cost more than filling it. */
let scratch = new Float32Array(0);

port.on('message', ({ id, content }: Numbered<LaneRequest>) => {
  answer(content)
    .catch((error: unknown): LaneReply => ({ kind: 'failed', error: reportError(error) }))
    .then((reply) => port.postMessage({ id, content: reply } satisfies Numbered<LaneReply>));
});

async function answer(request: LaneRequest): Promise<LaneReply> {
  if (request.kind === 'run') return { kind: 'rows', rows: await run(request) };
  const { digest, folder, bundle } = request;
  const model = models.get(digest) ?? { backend: await loadBackend(folder, bundle), bundle };
  models.set(digest, model);
  const { name, version, device } = model.backend;
  return { kind: 'opened', name, version, device };
}

async function run(request: Extract<LaneRequest, { kind: 'run' }>): Promise<Float32Array> {
  const model = models.get(request.digest);
  if (model === undefined) throw integrity(`Model ${request.digest} is not open in this lane`);
  const image = new Float32Array(request.image);
  const { height, width } = request.size;
  if (scratch.length < request.boxes.length * image.length) {
    scratch = new Float32Array(request.boxes.length * image.length);
  }
  const batch = scratch.subarray(0, request.boxes.length * image.length);
  for (const [index, box] of request.boxes.entries()) {
    const occluded = batch.subarray(index * image.length, (index + 1) * image.length);
    occluded.set(image);
    fillBox(occluded, request.size, model.bundle.input.layout, box, request.values);
  }
  return model.backend.run(batch, request.boxes.length, height, width);
}
