import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeOnnx, type Node } from '../testing/tiny-onnx.js';
import { readOnnxFacts } from './onnx-facts.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-facts-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Kind that the end of a network of so many numbers states. */
async function kindAfter(width: number, ...ops: string[]) {
  const nodes: Node[] = [{ op: 'Flatten', inputs: ['image'], output: 'flat' }];
  const weights = [
    { name: 'weights', shape: [48, width], values: Array<number>(48 * width).fill(0.1) },
    { name: 'one', shape: [1], values: [1] },
  ];
  let last = 'flat';
  for (const [nth, op] of ops.entries()) {
    const output = nth === ops.length - 1 ? 'scores' : `t${nth}`;
    const inputs = op === 'MatMul' ? [last, 'weights'] : op === 'Sub' ? ['one', last] : [last];
    nodes.push({ op, inputs: op === 'Add' ? [last, 'one'] : inputs, output });
    last = output;
  }
  const onnx = encodeOnnx({
    nodes,
    weights,
    input: { name: 'image', shape: ['N', 3, 4, 4] },
    output: { name: 'scores', shape: ['N', width] },
  });
  await writeFile(join(folder, 'net.onnx'), onnx);
  return (await readOnnxFacts(folder, 'net.onnx')).outputs[0]?.kind;
}

test.each([
  [1, ['MatMul'], 'independent-logits'],
  [1, ['MatMul', 'Add'], 'independent-logits'],
  [1, ['MatMul', 'Sigmoid', 'Identity'], 'independent-probabilities'],
  [4, ['MatMul', 'Sigmoid'], 'independent-probabilities'],
  [4, ['MatMul', 'Softmax'], 'probabilities'],
  [4, ['MatMul', 'LogSoftmax'], 'logits'],
  [4, ['MatMul'], null],
  [1, ['MatMul', 'Sigmoid', 'Sub'], null],
  [1, ['MatMul', 'Neg', 'Exp', 'Add', 'Reciprocal'], null],
] as const)('%i numbers after %j are of kind %s', async (width, ops, kind) => {
  expect(await kindAfter(width, ...ops)).toBe(kind);
});
