// Photos for the scaling measurements, all different.
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

/**
 * Cuts squares out of the samples, each a little further in.
 *
 * @param {{ root: string, dir: string, count: number }} options
 * @returns {Promise<string[]>} paths, in order
 */
export async function cutPhotos({ root, dir, count }) {
  const samples = join(root, 'samples', 'photos');
  const sources = readdirSync(samples).filter((name) => name.endsWith('.jpg'));
  mkdirSync(dir, { recursive: true });
  const paths = [];
  for (let index = 0; index < count; index++) {
    const source = join(samples, sources[index % sources.length] ?? '');
    const inset = 4 * Math.floor(index / sources.length);
    const { width = 0, height = 0 } = await sharp(source).metadata();
    const side = Math.min(width, height) - 2 * inset;
    const path = join(dir, `${String(index).padStart(4, '0')}.jpg`);
    await sharp(source)
      .extract({ left: inset, top: inset, width: side, height: side })
      .jpeg()
      .toFile(path);
    paths.push(path);
  }
  return paths;
}

/**
 * Makes plain squares of 32 px, each of its own colour, for measurements of the queue alone.
 *
 * @param {{ dir: string, count: number }} options
 * @returns {Promise<string[]>}
 */
export async function paintSquares({ dir, count }) {
  mkdirSync(dir, { recursive: true });
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const path = join(dir, `${String(index).padStart(5, '0')}.png`);
      const background = { r: index % 256, g: Math.floor(index / 256) % 256, b: 7 };
      await sharp({ create: { width: 32, height: 32, channels: 3, background } })
        .png()
        .toFile(path);
      return path;
    }),
  );
}
