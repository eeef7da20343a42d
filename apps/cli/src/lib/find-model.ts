import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addedModelsFolder } from '@umbra/platform/config';
import { invalidInput } from '@umbra/shared/errors';
import { readCliConfig } from './config.js';

/** Folder that `umbra models add` puts models into. */
export const registryFolder = (): string =>
  resolve(readCliConfig().UMBRA_MODELS_DIR ?? addedModelsFolder);

/** Folders that models are found in by name, the user's own first. */
export const modelFolders = (): readonly string[] => [
  registryFolder(),
  fileURLToPath(new URL('../../../../models', import.meta.url)),
];

/** The folder of a bundle, given as such or by its name. @throws {AppError} `invalid_input` */
export function findModel(model: string): string {
  const places = [model, ...modelFolders().map((folder) => join(folder, basename(model)))];
  const found = places.find((place) => existsSync(join(place, 'bundle.json')));
  if (found !== undefined) return resolve(found);
  throw invalidInput(
    `Expected a model's name or its bundle's folder, got '${model}': 'umbra models list' names what there is`,
  );
}
