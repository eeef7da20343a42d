// Max multiply-adds a second of these cores: products of large matrices, one session for each thread.
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { encodeOnnx } from '@umbra/engine/testing';
import { InferenceSession, Tensor } from '../packages/engine/dist/backends/onnxruntime-library.js';

const side = 768;
const measuredMs = 1500;

/** @returns {Promise<number>} GFLOP/s of all cores together (a multiply-add counts as two) */
export async function measurePeak(threads = availableParallelism()) {
  const rates = await Promise.all(
    Array.from(
      { length: threads },
      () =>
        new Promise((resolve, reject) => {
          const worker = new Worker(fileURLToPath(import.meta.url));
          worker.once('message', resolve);
          worker.once('error', reject);
        }),
    ),
  );
  return rates.reduce((sum, rate) => sum + rate, 0);
}

async function measureThread() {
  const shape = [side, side];
  const values = Array.from({ length: side * side }, (_, at) => Math.sin(at));
  const model = encodeOnnx({
    nodes: [{ op: 'MatMul', inputs: ['a', 'b'], output: 'c' }],
    weights: [{ name: 'b', shape, values }],
    input: { name: 'a', shape },
    output: { name: 'c', shape },
  });
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1 });
  const feeds = { a: new Tensor('float32', Float32Array.from(values), shape) };
  const fetches = { c: new Tensor('float32', new Float32Array(side * side), shape) };
  const flops = 2 * side ** 3;
  let best = Number.POSITIVE_INFINITY;
  const startedAt = performance.now();
  while (performance.now() - startedAt < measuredMs) {
    const began = performance.now();
    await session.run(feeds, fetches);
    best = Math.min(best, performance.now() - began);
  }
  return flops / best / 1e6;
}

if (!isMainThread) parentPort?.postMessage(await measureThread());
