import { at } from '@umbra/shared/assert';
import { overlaps } from '@umbra/shared/occlusion/overlap';
import type { SeededRandom } from '@umbra/shared/random';
import type { TrialImage } from './choose-images.js';

/** Draws for one image, after which it is left out. */
const maxDraws = 32;

/**
 * Draw the image whose content is pasted onto another one. What lies beside its own object is pasted beside the other
 * object, too, where boxes say where that is: a paste that hides the object would count as an effect of its content.
 *
 * @returns null where no content that was drawn fits.
 */
export function drawSource(
  sources: readonly TrialImage[],
  target: TrialImage,
  random: SeededRandom,
): TrialImage | null {
  for (let draw = 0; draw < maxDraws; draw++) {
    const source = at(sources, random.below(sources.length));
    const { bottom, right } = source.box;
    if (bottom > target.input.height || right > target.input.width) continue;
    if (source.isOffObject && target.object !== null && overlaps(source.box, target.object))
      continue;
    return source;
  }
  return null;
}
