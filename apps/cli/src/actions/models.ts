import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  addModel,
  checkModel,
  describeDoubledNames,
  describeFolder,
  describeInput,
  type ModelClaims,
  readBundle,
  readClassNames,
  stageBundle,
} from '@umbra/engine';
import { reportError } from '@umbra/shared/errors';
import { findModel, modelFolders, registryFolder } from '../lib/find-model.js';
import { printJson } from '../lib/output.js';
import { alignColumns } from '../lib/summary.js';

/** What `--name` and the flags for a model without bundle.json give, as texts. */
export type AddModelOptions = Omit<ModelClaims, keyof ParsedClaims> & {
  readonly [name in 'input' | Exclude<keyof ParsedClaims, 'size'>]?: string;
} & { readonly replace?: boolean };

/** Add a model to those that are found by name. */
export async function addToRegistry(path: string, options: AddModelOptions): Promise<void> {
  const staged = existsSync(join(path, 'bundle.json'))
    ? await stageBundle(path, options.name)
    : await describeFolder(path, { ...options, ...parseClaims(options) });
  const { folder, known } = await addModel(registryFolder(), staged, options.replace);
  const { bundle } = await readBundle(folder);
  process.stdout.write(
    `${bundle.name}: ${known ? 'already in' : 'added to'} ${folder}\n${describeInput(bundle)}\n`,
  );
  const doubled = describeDoubledNames((await readClassNames(folder, bundle)) ?? []);
  if (doubled !== null) process.stderr.write(`warning: ${doubled}\n`);
}

type ParsedClaims = {
  readonly [name in 'size' | 'scale' | 'mean' | 'std' | 'resize' | 'threshold']:
    | ModelClaims[name]
    | undefined;
};

/** What is no number becomes NaN, which the bundle's contract refuses. */
function parseClaims(options: AddModelOptions): ParsedClaims {
  const { input, scale, mean, std, resize, threshold } = options;
  const [height = Number.NaN, width = Number.NaN] = input?.split('x').map(Number) ?? [];
  const [top = Number.NaN, bottom = 1] = scale?.split('/').map(Number) ?? [];
  const [rule = '', side] = resize?.split(':') ?? [];
  return {
    size: input === undefined ? undefined : { height, width },
    scale: scale === undefined ? undefined : top / bottom,
    mean: mean?.split(',').map(Number),
    std: std?.split(',').map(Number),
    threshold: threshold === undefined ? undefined : Number(threshold),
    resize: resize === undefined ? undefined : { rule, ...(side && { shorterSide: Number(side) }) },
  };
}

/** Print the models that are found by name. */
export async function listModels(json: boolean): Promise<void> {
  const rows = [];
  for (const registry of modelFolders().filter((folder) => existsSync(folder))) {
    for (const entry of await readdir(registry)) {
      const folder = join(registry, entry);
      if (entry.startsWith('.') || !existsSync(join(folder, 'bundle.json'))) continue;
      try {
        const { bundle, digest } = await readBundle(folder);
        const { height, width } = bundle.input;
        rows.push({ name: bundle.name, format: bundle.format, height, width, digest, folder });
      } catch (error) {
        // One damaged bundle hides no other.
        process.stderr.write(`${folder}: ${reportError(error).message}\n`);
        process.exitCode = 1;
      }
    }
  }
  if (json) return printJson({ models: rows });
  const cells = rows.map((row) => [row.name, row.format, `${row.height}x${row.width}`, row.folder]);
  process.stdout.write(`${alignColumns([['model', 'format', 'input', 'folder'], ...cells])}\n`);
}

/** Check a model, and print each step. */
export async function checkModels(model: string, json: boolean): Promise<void> {
  const steps = await checkModel(findModel(model));
  const mark = (ok: boolean | null) => (ok === null ? '-' : ok ? 'ok' : 'FAILED');
  const lines = steps.map(({ name, ok, detail }) => `${mark(ok).padEnd(7)}${name}: ${detail}`);
  if (json) printJson({ steps });
  else process.stdout.write(`${lines.join('\n')}\n`);
  if (steps.some(({ ok }) => ok !== true)) process.exitCode = 1;
}
