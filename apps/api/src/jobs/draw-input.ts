import { occludeInput, planOcclusion, prepareImage, renderInput } from '@umbra/engine';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import { invalidInput } from '@umbra/shared/errors';
import { z } from 'zod';
import type { ApiServices } from '../services.js';

const index = z.coerce.number().int().min(0).max(1_000_000);

/** Query for the model's input. */
export const inputView = z.strictObject({
  /** Position of the patch; the photo without a patch when left out. */
  row: index.optional(),
  column: index.optional(),
  /** Index into the patch sizes. */
  grid: index.default(0),
});
type InputView = z.output<typeof inputView>;

/** @throws {AppError} `invalid_input` for half a position. */
export function assertPosition({ row, column }: Pick<InputView, 'row' | 'column'>): void {
  if ((row === undefined) === (column === undefined)) return;
  throw invalidInput('Expected row and column, or neither of them');
}

/** A photo, and how a model is to see it. */
export type SeenPhoto = {
  readonly name: string;
  /** The encoded photo. */
  readonly bytes: Buffer;
  readonly bundle: ModelBundle;
  readonly settings: OcclusionSettings;
};

/**
 * Draw a model's input as the model sees it, with a patch where a position is named.
 *
 * @returns A PNG file.
 * @throws {AppError} `invalid_input` if the settings have no such position; `unprocessable` for a photo that
 *   cannot be decoded.
 */
export async function drawInput(
  { config }: Pick<ApiServices, 'config'>,
  { name, bytes, bundle, settings }: SeenPhoto,
  { row, column, grid }: InputView,
): Promise<Buffer> {
  const image = await prepareImage(bytes, bundle.input, imageLimitsOf(config));
  if (row === undefined || column === undefined) {
    return renderInput(image, bundle, `${name}: the model's input`);
  }
  const plan = planOcclusion(image, settings);
  const position = { grid, row, column };
  const occluded = occludeInput(image, bundle, { plan, fill: settings.fill, position });
  const { top, left, bottom, right } = occluded.box;
  const title = `${name}: patch at row ${row}, column ${column} (y ${top}-${bottom}, x ${left}-${right})`;
  return renderInput(occluded.image, bundle, title);
}

/** What a photo and a model's input may have, px. */
export const imageLimitsOf = (config: ApiServices['config']) => ({
  maxPixels: config.UMBRA_MAX_IMAGE_PIXELS,
  maxInputPixels: config.UMBRA_MAX_INPUT_PIXELS,
});
