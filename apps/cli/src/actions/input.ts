import { basename } from 'node:path';
import { occludeInput, planOcclusion, renderInput } from '@umbra/engine';
import { invalidInput } from '@umbra/shared/errors';
import { outputFile } from '../lib/flags.js';
import { writeOutput } from '../lib/output.js';
import { parseSettings, type SettingsFlags } from '../lib/settings-flags.js';
import { openPhoto } from '../lib/view.js';

export type InputOptions = SettingsFlags & {
  readonly model: string;
  readonly at?: string;
  readonly grid?: string;
  readonly out?: string;
};

/** Draw the model's input, as it is or with the patch at a position. */
export async function input(path: string, options: InputOptions): Promise<void> {
  const out = outputFile(options.out, ['.png']);
  const { bundle, image } = await openPhoto(path, options.model);
  const name = basename(path);
  if (options.at === undefined) {
    return await writeOutput(out, await renderInput(image, bundle, `${name}: the model's input`));
  }
  const position = parsePosition(options.at, options.grid);
  const settings = parseSettings(options);
  const plan = planOcclusion(image, settings);
  const occluded = occludeInput(image, bundle, { plan, fill: settings.fill, position });
  const { row, column } = position;
  const { top, left, bottom, right } = occluded.box;
  const title = `${name}: patch at row ${row}, column ${column} (y ${top}-${bottom}, x ${left}-${right})`;
  await writeOutput(out, await renderInput(occluded.image, bundle, title));
}

/** @throws {AppError} `invalid_input` */
function parsePosition(at: string, gridText = '0') {
  const [, row, column] = /^(\d{1,6}),(\d{1,6})$/.exec(at) ?? [];
  const grid = Number(gridText);
  if (row !== undefined && Number.isInteger(grid)) {
    return { grid, row: Number(row), column: Number(column) };
  }
  throw invalidInput(`Expected --at ROW,COLUMN and --grid N, got '${at}' and '${gridText}'`);
}
