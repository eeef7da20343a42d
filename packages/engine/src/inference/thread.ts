/** A worker thread that holds sessions of each open model and runs one task at a time. */
import { parentPort } from 'node:worker_threads';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { integrity, reportError } from '@umbra/shared/errors';
import type { Backend, BackendOptions } from '../backends/backend.js';
import { loadBackend } from '../backends/load-backend.js';
import { openSegments, type Segments } from '../incremental/run/segments.js';
import { copyBox, copyRanks } from '../occlusion/copy.js';
import { buffersOf } from './buffers.js';
import type { Batch, Numbered, ThreadReply, ThreadRequest } from './messages.js';

const port = parentPort;
if (port === null) throw new Error('Expected to run as a worker thread');

/**
 * A model's sessions: of the whole network, or of its segments. Both at once would hold its weights
 * twice, so what the next task does not use is let go.
 */
type Model = {
  readonly folder: string;
  readonly bundle: ModelBundle;
  readonly options: BackendOptions;
  whole: Backend | null;
  segments: Segments | null;
};
const models = new Map<string, Model>();
/** Kept between batches: a new large array each time would cost more than filling it. */
let scratch = new Float32Array(0);

port.on('message', ({ id, content }: Numbered<ThreadRequest>) => {
  answer(content)
    .catch((error: unknown): ThreadReply => ({ kind: 'failed', error: reportError(error) }))
    .then((reply) => {
      const message: Numbered<ThreadReply> = { id, content: reply };
      port.postMessage(message, reply.kind === 'inputs' ? buffersOf(reply.inputs) : []);
    });
});

async function answer(request: ThreadRequest): Promise<ThreadReply> {
  if (request.kind === 'open') {
    const { digest, folder, bundle, options } = request;
    models.set(digest, { folder, bundle, options, whole: null, segments: null });
    return { kind: 'opened' };
  }
  const model = models.get(request.digest);
  if (model === undefined) throw integrity(`Model ${request.digest} is not open in this thread`);
  if (request.kind === 'load') {
    const { name, version, device } = await wholeOf(model);
    return { kind: 'loaded', name, version, device };
  }
  if (request.kind === 'run') return { kind: 'rows', rows: await run(model, request) };
  const segments = await segmentsOf(model, request.folder);
  switch (request.kind) {
    case 'baseline':
      return { kind: 'maps', ...(await segments.original(request)) };
    case 'segments':
      return { kind: 'inputs', inputs: await segments.inputs(request) };
    case 'last':
      return { kind: 'rows', rows: await segments.last(request) };
    case 'boxes':
      return {
        kind: 'rows',
        rows: await segments.last({ ...request, inputs: await segments.inputs(request) }),
      };
  }
}

async function wholeOf(model: Model): Promise<Backend> {
  const { segments } = model;
  model.segments = null;
  await segments?.close();
  model.whole ??= await loadBackend(model.folder, model.bundle, model.options);
  return model.whole;
}

async function segmentsOf(model: Model, folder: string): Promise<Segments> {
  const { whole } = model;
  model.whole = null;
  await whole?.close();
  model.segments ??= openSegments(folder, model.options.sessionThreads);
  return model.segments;
}

async function run(model: Model, request: Batch): Promise<Float32Array> {
  const original = new Float32Array(request.original);
  const filled = new Float32Array(request.filled);
  const { size } = request;
  const { layout } = model.bundle.input;
  const count = 'boxes' in request ? request.boxes.length : request.ranges.length;
  if (scratch.length < count * original.length) scratch = new Float32Array(count * original.length);
  const batch = scratch.subarray(0, count * original.length);
  const imageAt = (index: number) => {
    const image = batch.subarray(index * original.length, (index + 1) * original.length);
    image.set(original);
    return image;
  };
  if ('boxes' in request) {
    for (const [index, box] of request.boxes.entries()) {
      copyBox(imageAt(index), filled, size, layout, box);
    }
  } else {
    const ranks = new Int32Array(request.ranks);
    for (const [index, range] of request.ranges.entries()) {
      copyRanks(imageAt(index), filled, layout, ranks, range);
    }
  }
  const whole = await wholeOf(model);
  return whole.run(batch, count, size.height, size.width);
}
