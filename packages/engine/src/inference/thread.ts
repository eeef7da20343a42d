/** A worker thread that holds sessions of each open model and runs one task at a time. */
import { parentPort } from 'node:worker_threads';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { integrity, reportError } from '@umbra/shared/errors';
import type { Backend, BackendOptions } from '../backends/backend.js';
import { loadBackend } from '../backends/load-backend.js';
import { openSegments, type Segments } from '../incremental/run/segments.js';
import { runFeatures } from '../network/run-features.js';
import { openPart } from '../network/run-part.js';
import { runShapeProbe } from '../network/run-shape-probe.js';
import type { NetworkPart, PartialNetwork } from '../network/types.js';
import { batchExtent, type ImageBatch, writeBatch } from '../occlusion/image-batch.js';
import { buffersOf } from './buffers.js';
import type { Numbered, ThreadReply, ThreadRequest } from './messages.js';

const port = parentPort;
if (port === null) throw new Error('Expected to run as a worker thread');

/**
 * A model's sessions: of the whole network, of its segments, or of a part of it. Several at once would
 * hold its weights several times, so what the next task does not use is closed.
 */
type ThreadModel = {
  readonly folder: string;
  readonly bundle: ModelBundle;
  readonly options: BackendOptions;
  whole: Backend | null;
  segments: Segments | null;
  part: OpenPart | null;
};
/** A part of the network, by the name of the layer that it ends with. */
type OpenPart = PartialNetwork & { readonly layer: string };
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
    models.set(digest, { folder, bundle, options, whole: null, segments: null, part: null });
    return { kind: 'opened' };
  }
  const model = models.get(request.digest);
  if (model === undefined) throw integrity(`Model ${request.digest} is not open in this thread`);
  if (request.kind === 'load') {
    const { name, version, device } = await wholeOf(model);
    return { kind: 'loaded', name, version, device };
  }
  if (request.kind === 'run') return { kind: 'outputs', outputs: await run(model, request) };
  if (request.kind === 'features') {
    const part = await partOf(model, request.part);
    return { kind: 'outputs', outputs: await runFeatures(part, request) };
  }
  if (request.kind === 'shapes') {
    // The probe holds the network's weights too.
    await closeOthers(model, null);
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

/** Close what a task does not use. */
async function closeOthers(
  model: ThreadModel,
  used: 'whole' | 'segments' | 'part' | null,
): Promise<void> {
  for (const kind of ['whole', 'segments', 'part'] as const) {
    if (kind === used) continue;
    const sessions = model[kind];
    model[kind] = null;
    await sessions?.close();
  }
}

async function wholeOf(model: ThreadModel): Promise<Backend> {
  await closeOthers(model, 'whole');
  model.whole ??= await loadBackend(model.folder, model.bundle, model.options);
  return model.whole;
}

async function segmentsOf(model: ThreadModel, folder: string): Promise<Segments> {
  await closeOthers(model, 'segments');
  model.segments ??= openSegments(folder, model.options.sessionThreads);
  return model.segments;
}

async function partOf(model: ThreadModel, part: NetworkPart): Promise<PartialNetwork> {
  await closeOthers(model, model.part?.layer === part.layer ? 'part' : null);
  model.part ??= { ...(await openPart(part, model.options.sessionThreads)), layer: part.layer };
  return model.part;
}

async function run(model: ThreadModel, batch: ImageBatch): Promise<Float32Array> {
  const { height, width } = batch.size;
  const { images, numbers } = batchExtent(batch);
  if (scratch.length < numbers) scratch = new Float32Array(numbers);
  const tensor = scratch.subarray(0, numbers);
  const { layout, channels } = model.bundle.input;
  writeBatch(batch, { layout, channels }, tensor);
  const whole = await wholeOf(model);
  return whole.run(tensor, images, height, width);
}
