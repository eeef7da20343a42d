import { describe, expect, test } from 'vitest';
import { type ImageResult, imageResult } from './result.js';
import { completedRow, failedRow, storedRow } from './row.js';
import { occlusionSettings } from './settings.js';

const box = { top: 16, left: 32, bottom: 32, right: 48 };
const photoBox = { top: 20, left: 40, bottom: 40, right: 60 };
const grid = { patch: { height: 16, width: 16 }, rows: 4, columns: 4, computed: 16 };

/** What `result.json` says, of the newest version unless changed. */
const result = (changes: Record<string, unknown> = {}): ImageResult =>
  imageResult.parse({
    version: 5,
    image: { id: 'img_00000003', name: 'a.png', sha256: 'a'.repeat(64), width: 80, height: 80 },
    model: { name: 'tiny', digest: 'b'.repeat(64) },
    settings: occlusionSettings.parse({}),
    approximate: false,
    input: { height: 64, width: 64 },
    predicted: { index: 1, label: 'tabby', probability: 0.8 },
    top: [
      { index: 1, label: 'tabby', probability: 0.8 },
      { index: 0, label: 'dog', probability: 0.2 },
    ],
    isRight: true,
    grids: [
      { ...grid, flips: [{ index: 0, label: 'dog', positions: [5, 6] }] },
      {
        ...{ ...grid, computed: 4 },
        flips: [
          { index: 0, label: 'dog', positions: [1] },
          { index: null, label: 'no class', positions: [2] },
        ],
      },
    ],
    targets: [
      {
        ...{ index: 1, label: 'tabby', score: 0.75, borderShare: 0.125, faithfulness: null },
        lowest: { score: 0.25, grid: 0, row: 1, column: 2, box, photoBox },
        ...{ heatmap: 'heatmap.png', overlay: 'overlay.png' },
      },
    ],
    files: [],
    provenance: {
      ...{ backend: 'b', backendVersion: '1', device: 'cpu', strategy: 'dense' },
      umbraVersion: '0',
    },
    reused: false,
    ...changes,
  });

describe('the row of an image', () => {
  test('says what its result says', () => {
    const row = completedRow(2, result(), 1.5);
    expect(storedRow.parse(row)).toEqual({
      ...{ version: 1, id: 'img_00000003', attempt: 2, state: 'completed', error: null },
      predicted: { index: 1, label: 'tabby', probability: 0.8 },
      isRight: true,
      top: result().top,
      target: { index: 1, label: 'tabby' },
      ...{ score: 0.75, drop: 0.5 },
      lowest: { grid: 0, row: 1, column: 2, box: photoBox },
      ...{ flips: 4, flippedShare: 0.2, borderShare: 0.125, seconds: 1.5 },
    });
  });

  test('has no value where a result of an older version says nothing', () => {
    const { top, isRight, targets, ...said } = result();
    const [{ borderShare, lowest, ...target } = expect.fail('no target')] = targets;
    const { photoBox: _, ...place } = lowest;
    const old = imageResult.parse({ ...said, version: 4, targets: [{ ...target, lowest: place }] });
    expect(storedRow.parse(completedRow(1, old, null))).toMatchObject({
      ...{ top: null, isRight: null, borderShare: null, seconds: null },
      ...{ drop: 0.5, lowest: { grid: 0, row: 1, column: 2, box: null } },
    });
  });

  test('of one that failed, has its error and no values', () => {
    const error = { code: 'unprocessable', message: 'too small' } as const;
    const row = storedRow.parse(failedRow(1, 'img_00000000', error));
    expect(row).toMatchObject({ state: 'failed', error, score: null, lowest: null, top: null });
  });
});
