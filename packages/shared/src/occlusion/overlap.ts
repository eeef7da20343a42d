import type { Box } from './grid.js';

/** Whether two boxes have a px in common. */
export const overlaps = (a: Box, b: Box): boolean => areaOf(cut(a, b)) > 0;

/** Whether more than half of a box, px, lies off an object's. */
export const liesOff = (box: Box, object: Box): boolean =>
  2 * areaOf(cut(box, object)) < areaOf(box);

const cut = (a: Box, b: Box): Box => ({
  top: Math.max(a.top, b.top),
  left: Math.max(a.left, b.left),
  bottom: Math.min(a.bottom, b.bottom),
  right: Math.min(a.right, b.right),
});

/** Area of a box, px; 0 of one that ends before it begins. */
const areaOf = ({ top, left, bottom, right }: Box): number =>
  Math.max(0, bottom - top) * Math.max(0, right - left);
