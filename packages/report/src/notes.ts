import { type Grouping, maxClasses } from './grouping.js';

/** Images below which a bootstrap interval is told to be too narrow. */
const fewImages = 10;

export const prunedNote =
  'There were more kinds of flips than are counted at once: those of the fewest images were left out, and counts of rare ones may be too low.';

/** Say where numbers of classes are of samples, or of too few images. */
export function noteGroups(grouping: Grouping): string[] {
  const groups = grouping.groups();
  const few = groups.filter(({ images }) => images < fewImages).length;
  const sampled = groups.filter((group) => !grouping.values(group).isAll);
  const shuffled = groups.filter((group) => !grouping.maps(group).isAll);
  const notes = [
    grouping.isFull &&
      `There are more than ${maxClasses} classes: images of those that came last are in one group, 'all others'.`,
    few > 0 &&
      `${countOf(few, 'class has', 'classes have')} fewer than ${fewImages} images: intervals are too narrow there, and of one image they are its number.`,
    sampled.length > 0 &&
      `Whether evidence lies off the object or in the border is tested on a random sample of the images of ${countOf(sampled.length, 'class', 'classes')}.`,
    shuffled.length > 0 &&
      `Whether evidence follows the object is tested on a random sample of the maps of ${countOf(shuffled.length, 'class', 'classes')}.`,
  ];
  return notes.filter((note) => note !== false);
}

const countOf = (count: number, one: string, several: string): string =>
  `${count} ${count === 1 ? one : several}`;
