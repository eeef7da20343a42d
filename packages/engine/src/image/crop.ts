import { planFrame } from '@umbra/shared/occlusion/frame';
import type { Box, Size } from '@umbra/shared/occlusion/grid';
import type { Region } from 'sharp';
import { assertInside } from './assert-inside.js';
import { defaultLimits, type ImageLimits } from './decode.js';
import { decodePixels, drawPhoto, readSize } from './decoding.js';
import { type InputContract, type ModelInput, normalisePhoto, scaleTo } from './preprocess.js';

/**
 * Turn a part of a photo into an input of its own: enlarged to the whole extent that the bundle states,
 * whatever its proportions, and normalised as any photo.
 *
 * @param box px of the upright photo.
 * @returns Its frame takes the part for the photo.
 * @throws {AppError} `invalid_input` if the photo cannot be decoded, or the box lies outside it.
 * @see Fel et al., "CRAFT", CVPR 2023, which feeds crops in this way.
 */
export async function prepareCrop(
  bytes: Buffer,
  box: Box,
  input: InputContract,
  limits: ImageLimits = defaultLimits,
): Promise<ModelInput> {
  const part = await findPart(bytes, box, limits);
  const { height, width } = input;
  const resize = scaleTo({ height, width }, input);
  const rgb = await decodePixels(bytes, limits, { part, resize });
  const photo = { height: part.height, width: part.width };
  const frame = planFrame({ height, width, resize: { rule: 'squash' } }, photo);
  return { tensor: normalisePhoto(rgb, input), height, width, frame };
}

/**
 * Draw a part of a photo as `drawPhoto` draws all of it.
 *
 * @param box px of the upright photo.
 * @param within Extent that it is shrunk into, px.
 * @returns A WebP file.
 * @throws {AppError} `invalid_input` as `prepareCrop`.
 */
export async function drawCrop(
  bytes: Buffer,
  box: Box,
  within: Size,
  limits: ImageLimits = defaultLimits,
): Promise<Buffer> {
  return drawPhoto(bytes, limits, within, await findPart(bytes, box, limits));
}

async function findPart(bytes: Buffer, box: Box, limits: ImageLimits): Promise<Region> {
  const photo = await readSize(bytes, limits);
  assertInside(box, photo, 'the upright photo');
  const { top, left, bottom, right } = box;
  return { top, left, height: bottom - top, width: right - left };
}
