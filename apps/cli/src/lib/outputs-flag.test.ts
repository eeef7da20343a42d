import { allOutputs } from '@umbra/shared/contracts/outputs';
import { expect, test } from 'vitest';
import { parseOutputs } from './outputs-flag.js';

test('--outputs takes kinds of files, and adds what is always kept', () => {
  expect(parseOutputs('all')).toEqual(allOutputs);
  expect(parseOutputs('overlay')).toEqual(['overlay', 'scores', 'predicted-classes']);
});

test.each(['', 'overlays', 'overlay,,heatmap', 'heatmap,all'])(
  '--outputs %j is refused, with what was expected',
  (text) => {
    expect(() => parseOutputs(text)).toThrowError(
      `--outputs: Expected all, or some of heatmap, overlay, thumbnail, scores, predicted-classes, attribution, separated by commas, got '${text}'`,
    );
  },
);
