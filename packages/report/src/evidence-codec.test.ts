import { hasCode } from '@umbra/shared/errors';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ImageEvidence } from './evidence.js';
import { decodeEvidence, encodeEvidence } from './evidence-codec.js';

const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).filter((x) => !Object.is(x, -0));
const cells = fc.float32Array({ minLength: 256, maxLength: 256 });
const named = fc.record({ index: fc.nat(), label: fc.string() });
const px = fc.nat(10_000);
const box = fc.record({ top: px, left: px, bottom: px, right: px });
const shares = fc.record({ top: finite, left: finite, bottom: finite, right: finite });

const evidence: fc.Arbitrary<ImageEvidence> = fc.record({
  id: fc.string(),
  name: fc.string({ unit: 'grapheme' }),
  label: fc.oneof(fc.constant(null), fc.nat(), fc.string()),
  labelClass: fc.option(named),
  predicted: named,
  isRight: fc.option(fc.boolean()),
  target: named,
  score: finite,
  drop: finite,
  lowest: fc.record({
    grid: fc.nat(),
    box,
    photoBox: box,
    isOffObject: fc.option(fc.boolean()),
  }),
  input: fc.record({ height: px, width: px }),
  map: cells,
  objectMap: fc.option(cells),
  sizeMaps: fc.array(cells, { maxLength: 3 }),
  box: fc.option(shares),
  offObjectShare: fc.option(finite),
  borderShare: fc.option(finite),
  noise: fc.record({ border: finite, offObject: fc.option(finite) }),
  computed: fc.nat(),
  flips: fc.array(fc.record({ to: fc.option(named), positions: fc.nat(), drop: finite, box }), {
    maxLength: 3,
  }),
  faithfulness: fc.option(
    fc.record({ deletion: finite, insertion: finite, pointingGame: fc.option(fc.boolean()) }),
  ),
});

test('what was encoded is decoded exactly', () => {
  fc.assert(
    fc.property(fc.array(evidence, { maxLength: 3 }), (images) => {
      const decoded = decodeEvidence(encodeEvidence(images));
      expect(decoded).toEqual(images);
      for (const [nth, { map }] of decoded.entries()) {
        expect(map.every((value, cell) => Object.is(value, images[nth]?.map[cell]))).toBe(true);
      }
    }),
    { numRuns: 50 },
  );
});

test('damaged bytes are refused, whichever is damaged', () => {
  const [image] = fc.sample(evidence, { numRuns: 1, seed: 1 });
  if (image === undefined) throw new Error('Expected an image');
  const bytes = encodeEvidence([image]);
  const refused = (given: Buffer) => {
    try {
      decodeEvidence(given);
      return false;
    } catch (error) {
      return hasCode(error, 'integrity');
    }
  };
  for (const at of [0, 4, 5, 36, 37, 40, 41, 60, bytes.length - 1]) {
    const damaged = Buffer.from(bytes);
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    expect([at, refused(damaged)]).toEqual([at, true]);
  }
  for (const length of [0, 5, 37, 41, bytes.length - 4]) {
    expect([length, refused(bytes.subarray(0, length))]).toEqual([length, true]);
  }
  expect(refused(Buffer.concat([bytes, Buffer.alloc(4)]))).toBe(true);
});
