import type { ModelBundle } from '@umbra/shared/contracts/model';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { readPicture } from '../testing/picture.js';
import { drawCrop, prepareCrop } from './crop.js';
import { prepareImage } from './preprocess.js';

const input: ModelBundle['input'] = {
  layout: 'NCHW',
  height: 8,
  width: 8,
  channels: 'RGB',
  scale: 1 / 255,
  mean: [0.5, 0.5, 0.5],
  std: [0.25, 0.25, 0.25],
  resize: { rule: 'crop', shorterSide: 8 },
  interpolation: 'bicubic',
};
const upright = { height: 20, width: 30 };
const pixels = Buffer.from(
  Array.from({ length: upright.height * upright.width * 3 }, (_, at) => (at * 7919) % 251),
);
const open = () => sharp(pixels, { raw: { ...upright, channels: 3 } });
const box = { top: 3, left: 12, bottom: 9, right: 17 };
const region = { top: 3, left: 12, height: 6, width: 5 };

/** Photos that are seen as `pixels`, stored in several orientations. */
const photos = {
  'as it lies': () => open().png().toBuffer(),
  'turned, by EXIF orientation 6': async () =>
    sharp(await open().rotate(270).png().toBuffer())
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer(),
  'mirrored, by EXIF orientation 2': async () =>
    sharp(await open().flop().png().toBuffer())
      .withMetadata({ orientation: 2 })
      .png()
      .toBuffer(),
};

test.each(Object.entries(photos))(
  'a part of a photo %s is an input of its own',
  async (_, photo) => {
    const crop = await prepareCrop(await photo(), box, input);
    // The same pixels, as a photo that is brought to the input without its proportions.
    const cut = await open().extract(region).png().toBuffer();
    const alone = await prepareImage(cut, { ...input, resize: { rule: 'squash' } });
    expect(crop).toEqual(alone);
    expect(crop.tensor).toHaveLength(3 * 64);
    expect(crop.frame.photo).toEqual({ height: 6, width: 5 });
  },
);

test('grey and bilinear inputs are made as those of photos', async () => {
  const grey: typeof input = {
    ...input,
    channels: 'L',
    mean: [0.5],
    std: [0.25],
    interpolation: 'bilinear',
  };
  const crop = await prepareCrop(await photos['as it lies'](), box, grey);
  const cut = await open().extract(region).png().toBuffer();
  expect(crop.tensor).toEqual(
    (await prepareImage(cut, { ...grey, resize: { rule: 'squash' } })).tensor,
  );
});

test('a crop is drawn upright and never enlarged', async () => {
  const photo = await photos['turned, by EXIF orientation 6']();
  const { width, height } = await readPicture(
    await drawCrop(photo, box, { height: 96, width: 96 }),
  );
  expect({ width, height }).toEqual({ width: 5, height: 6 });
  const shrunk = await readPicture(await drawCrop(photo, box, { height: 3, width: 3 }));
  expect(Math.max(shrunk.width, shrunk.height)).toBe(3);
});

test('a box outside the upright photo is refused', async () => {
  const photo = await photos['turned, by EXIF orientation 6']();
  const outside = { top: 0, left: 0, bottom: 25, right: 5 };
  const message =
    'Expected a box of whole px inside the upright photo, 20 x 30 px (height x width), got rows [0, 25) and columns [0, 5)';
  await expect(prepareCrop(photo, outside, input)).rejects.toMatchObject({
    code: 'invalid_input',
    message,
  });
  await expect(drawCrop(photo, outside, upright)).rejects.toMatchObject({ message });
});
