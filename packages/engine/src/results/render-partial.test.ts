import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { describe, expect, test } from 'vitest';
import { renderHeatmap } from '../figures/heatmap.js';
import { attributeTargets } from '../occlusion/attribution.js';
import { planOcclusion } from '../occlusion/resolve-run.js';
import { readPicture, stripedLook } from '../testing/picture.js';
import { heatmapText } from './make-file.js';
import { renderPartial } from './render-partial.js';

const target = { index: 1, label: 'tabby', score: 0.8 };
const baseline = { predicted: { index: 1, label: 'tabby', probability: 0.8 }, targets: [target] };
const image = { height: 64, width: 64 };

describe.each([16, [16, 24]])('the picture of a run with patch %j that goes on', (patch) => {
  const settings = occlusionSettings.parse({ patch, stride: 16 });
  const plan = planOcclusion(image, settings);
  const scores = new Float32Array(plan.positions).map((_, index) => Math.sin(index) / 2);
  const draw = (known: Float32Array, progress = '') =>
    renderPartial({ plan, scores: known, target, settings, grid: undefined, progress });

  test('is the final heatmap once all is known', async () => {
    const [map] = attributeTargets(plan, [scores], baseline);
    if (map === undefined) throw new RangeError('Expected a map of the target');
    const final = await renderHeatmap(map, image, heatmapText(target, settings, false));
    expect(await draw(scores)).toEqual(final);
  });

  test('is striped where nothing is known, and says how much is', async () => {
    const striped = async (png: Buffer) => {
      const picture = await readPicture(png);
      let count = 0;
      for (let y = 0; y < picture.height; y++) {
        for (let x = 0; x < picture.width; x++) {
          if (stripedLook.has(String(picture.at(x, y)))) count += 1;
        }
      }
      return count;
    };
    const none = await draw(new Float32Array(plan.positions).fill(Number.NaN));
    const half = scores.map((score, index) => (index < plan.positions / 2 ? score : Number.NaN));
    expect(await striped(none)).toBeGreaterThanOrEqual(448 * 448);
    const some = await striped(await draw(half, '2 of 4 rows done'));
    expect(some).toBeLessThan(448 * 448);
    if (!Array.isArray(patch)) expect(some).toBeGreaterThan(448 * 200);
    expect(await draw(half, '2 of 4 rows done')).not.toEqual(await draw(half));
  });
});
