import { at } from '@umbra/shared/assert';
import { overlaps } from '@umbra/shared/occlusion/overlap';
import type { SeededRandom } from '@umbra/shared/random';
import type { TrialImage } from './choose-images.js';

/** Draws for one image, after which it is left out. */
const maxDraws = 32;

/** Images of which one's content is drawn; more than 0. */
type Drawn = { readonly from: readonly TrialImage[]; readonly random: SeededRandom };

/**
 * Draw the image whose content is pasted onto another one. What lies beside its own object is pasted beside the other
 * object, too, where boxes say where that is: a paste that hides the object would count as an effect of its content.
 *
 * @returns null where no content that was drawn fits.
 */
export const drawSource = (target: TrialImage, drawn: Drawn): TrialImage | null =>
  draw(drawn, (source) => fits(source, target));

/**
 * Draw the image of another class whose content at the same place is pasted instead: beside its object if the source's
 * lies beside its own.
 *
 * @returns null where no content that was drawn fits, or there is none but the target's own.
 */
export const drawControl = (
  { source, target }: { readonly source: TrialImage; readonly target: TrialImage },
  drawn: Drawn,
): TrialImage | null => draw(drawn, (other) => other.id !== target.id && fits(source, other));

function draw({ from, random }: Drawn, accepts: (image: TrialImage) => boolean): TrialImage | null {
  for (let drawn = 0; drawn < maxDraws; drawn++) {
    const image = at(from, random.below(from.length));
    if (accepts(image)) return image;
  }
  return null;
}

/** Whether a source's box is in another image, and beside its object if it is beside the source's. */
function fits({ box, isOffObject }: TrialImage, { input, object }: TrialImage): boolean {
  if (box.bottom > input.height || box.right > input.width) return false;
  return !isOffObject || object === null || !overlaps(box, object);
}
