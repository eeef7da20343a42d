// Photos that a seed repeats: small, distinct, and of noise, so that no two maps are alike.
import sharp from 'sharp';
import { createChance } from './chance.mjs';

/** @typedef {{ readonly name: string, readonly bytes: Buffer }} Photo */

/**
 * @param {number} count
 * @param {number} [seed]
 * @returns {Promise<Photo[]>}
 */
export function makePhotos(count, seed = 1) {
  return Promise.all(Array.from({ length: count }, (_, index) => makePhoto(index, seed)));
}

/**
 * @param {number} index
 * @param {number} seed
 * @returns {Promise<Photo>}
 */
async function makePhoto(index, seed) {
  const chance = createChance(seed * 1_000 + index);
  const width = 72 + (index % 9);
  const height = 70 + (index % 7);
  const raw = { width, height, channels: /** @type {const} */ (3) };
  const bytes = await sharp(chance.bytes(width * height * 3), { raw })
    .png()
    .toBuffer();
  return { name: `photo-${index}.png`, bytes };
}

/**
 * @param {readonly Photo[]} photos
 * @returns {FormData}
 */
export function formOf(photos) {
  const form = new FormData();
  for (const { name, bytes } of photos) {
    form.append('images', new Blob([new Uint8Array(bytes)]), name);
  }
  return form;
}
