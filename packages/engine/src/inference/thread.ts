/** A worker thread that holds sessions of each open model and runs one task at a time. */
import { parentPort } from 'node:worker_threads';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { integrity, reportError } from '@umbra/shared/errors';
import type { Backend, BackendOptions } from '../backends/backend.js';
import { loadBackend } from '../backends/load-backend.js';
import { openSegments, type Segments } from '../incremental/run/segments.js';
import { runShapeProbe } from '../network/run-shape-probe.js';
import { batchLength, type ImageBatch, writeBatch } from '../occlusion/image-batch.js';
import { buffersOf } from './buffers.js';
import type { Numbered, ThreadReply, ThreadRequest } from './messages.js';

const port = parentPort;
if (port === null) throw new Error('Expected to run as a worker thread');

/**
 * A model's sessions: of the whole network, or of its segments. Both at once would hold its weights
 * twice, so what the next task does not use is closed.
 */
type ThreadModel = {
  readonly folder: string;
  readonly bundle: ModelBundle;
  readonly options: BackendOptions;
  whole: Backend | null;
  segments: Segments | null;
};
const models = new Map<string, ThreadModel>();
/** Kept between batches: a new large array each time would cost more than filling it. */
let scratch = new Float32Array(0);

port.on('message', ({ id, content }: Numbered<ThreadRequest>) => {
  // Neither step rejects: a failure is a reply too.
  void answer(content)
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
  if (request.kind === 'run') return { kind: 'outputs', outputs: await run(model, request) };
  if (request.kind === 'shapes') {
    await closeModel(model);
    return { kind: 'shapes', shapes: await runShapeProbe(request.folder, request.probe) };
  }
  const segments = await segmentsOf(model, request.folder);
  switch (request.kind) {
    case 'baseline':
      return { kind: 'maps', ...(await segments.runBaseline(request)) };
    case 'segments':
      return { kind: 'inputs', inputs: await segments.runSegments(request) };
    case 'last':
      return { kind: 'outputs', outputs: await segments.runLast(request) };
    case 'boxes': {
      const inputs = await segments.runSegments(request);
      return { kind: 'outputs', outputs: await segments.runLast({ ...request, inputs }) };
    }
  }
}

/** The probe holds the network's weights too: both at once would hold them twice. */
async function closeModel(model: ThreadModel): Promise<void> {
  const { whole, segments } = model;
  model.whole = null;
  model.segments = null;
  await whole?.close();
  await segments?.close();
}

async function wholeOf(model: ThreadModel): Promise<Backend> {
  const { segments } = model;
  model.segments = null;
  await segments?.close();
  model.whole ??= await loadBackend(model.folder, model.bundle, model.options);
  return model.whole;
}

async function segmentsOf(model: ThreadModel, folder: string): Promise<Segments> {
  const { whole } = model;
  model.whole = null;
  await whole?.close();
  model.segments ??= openSegments(folder, model.options.sessionThreads);
  return model.segments;
}

async function run(model: ThreadModel, batch: ImageBatch): Promise<Float32Array> {
  const { height, width } = batch.size;
  const images = batchLength(batch);
  const length = images * (batch.original.byteLength / 4);
  if (scratch.length < length) scratch = new Float32Array(length);
  const tensor = scratch.subarray(0, length);
  const { layout, channels } = model.bundle.input;
  writeBatch(batch, { layout, channels }, tensor);
  const whole = await wholeOf(model);
  return whole.run(tensor, images, height, width);
}
