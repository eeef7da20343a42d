import { classText, itemBox } from '@umbra/shared/contracts/dataset';
import { invalidInput } from '@umbra/shared/errors';
import type { Box } from '@umbra/shared/occlusion/grid';

/** What a dataset would say of a photo. */
export type PhotoItem = {
  readonly label: string | undefined;
  readonly box: Box | undefined;
};

/** @throws {AppError} `invalid_input` if the box or the label is none. */
export function parseItem(flags: {
  readonly label?: string | undefined;
  readonly box?: string | undefined;
}): PhotoItem {
  return { label: labelOf(flags.label), box: boxOf(flags.box) };
}

/** A label as a folder's name gives it. */
function labelOf(text: string | undefined): string | undefined {
  const parsed = classText.optional().safeParse(text);
  if (parsed.success) return parsed.data;
  throw invalidInput('Expected --label to be an index or a name of 1 to 200 characters');
}

function boxOf(text: string | undefined): Box | undefined {
  if (text === undefined) return undefined;
  const [left = Number.NaN, top = Number.NaN, width = Number.NaN, height = Number.NaN, ...more] =
    text.split(',').map(Number);
  const parsed = itemBox.safeParse({ top, left, bottom: top + height, right: left + width });
  if (parsed.success && more.length === 0) return parsed.data;
  throw invalidInput(`Expected --box to be X,Y,WIDTH,HEIGHT in px of the photo, got '${text}'`);
}
