import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  addModel,
  type CheckStep,
  checkIsolated,
  describeDoubledNames,
  describeFolder,
  describeInput,
  type ModelClaims,
  readBundle,
  readClassNames,
  stageBundle,
} from '@umbra/engine';
import { invalidInput, reportError } from '@umbra/shared/errors';
import { findModel, modelFolders, registryFolder } from '../lib/find-model.js';
import { parseNumber, parseSize } from '../lib/flags.js';
import { printJson } from '../lib/output.js';
import { alignColumns } from '../lib/summary.js';

/** What `--name` and the flags for a model without bundle.json give, as texts. */
export type ClaimFlags = Omit<ModelClaims, keyof ParsedClaims> & {
  readonly [name in 'input' | Exclude<keyof ParsedClaims, 'size'>]?: string;
};
export type AddModelOptions = ClaimFlags & {
  readonly replace?: boolean;
  readonly deadline: string;
};

export type CheckModelOptions = { readonly json?: boolean; readonly deadline: string };

/** Add a model to those that are found by name. */
export async function addToRegistry(path: string, options: AddModelOptions): Promise<void> {
  const deadlineMs = parseDeadline(options.deadline);
  const staged = existsSync(join(path, 'bundle.json'))
    ? await stageBundle(path, options.name)
    : await describeFolder(path, { ...options, ...parseClaims(options) });
  const { folder, known } = await addModel(registryFolder(), staged, {
    replace: options.replace === true,
    check: (bundled) => checkIsolated(bundled, { deadlineMs }, printPassed),
  });
  const { bundle } = await readBundle(folder);
  process.stdout.write(
    `${bundle.name}: ${known ? 'already in' : 'added to'} ${folder}\n${describeInput(bundle)}\n`,
  );
  const doubled = describeDoubledNames((await readClassNames(folder, bundle)) ?? []);
  if (doubled !== null) process.stderr.write(`warning: ${doubled}\n`);
}

/** Say how far the check of a model has come; why it does not go on is an error, or tried otherwise. */
function printPassed(step: CheckStep): void {
  if (step.ok === true) process.stderr.write(`${describeStep(step)}\n`);
}

type ParsedClaims = {
  readonly [name in 'size' | 'scale' | 'mean' | 'std' | 'resize' | 'threshold']:
    | ModelClaims[name]
    | undefined;
};

/** @throws {AppError} `invalid_input`, with the flag that cannot be read. */
export function parseClaims(options: ClaimFlags): ParsedClaims {
  const { input, scale, mean, std, resize, threshold } = options;
  return {
    size: parseSize(input, '--input') ?? undefined,
    scale: parseFlag(scale, '--scale', 'a number or a fraction as 1/255', parseFraction),
    mean: parseFlag(mean, '--mean', 'numbers as 0.5,0.5,0.5', parseNumbers),
    std: parseFlag(std, '--std', 'numbers as 0.5,0.5,0.5', parseNumbers),
    threshold: parseFlag(threshold, '--threshold', 'a probability between 0 and 1', parseShare),
    resize: parseFlag(resize, '--resize', 'crop:PX, fit:PX or squash', parseResize),
  };
}

/** @param parse Gives null for a text that is not as `wanted` says. */
function parseFlag<T>(
  text: string | undefined,
  flag: string,
  wanted: string,
  parse: (text: string) => T | null,
): T | undefined {
  if (text === undefined) return undefined;
  const value = parse(text);
  if (value === null) throw invalidInput(`Expected ${flag} to be ${wanted}, got '${text}'`);
  return value;
}

function parseFraction(text: string): number | null {
  const [top = Number.NaN, bottom = 1, ...rest] = text.split('/').map(parseNumber);
  return rest.length === 0 && Number.isFinite(top / bottom) ? top / bottom : null;
}

function parseNumbers(text: string): number[] | null {
  const numbers = text.split(',').map(parseNumber);
  return numbers.every(Number.isFinite) ? numbers : null;
}

function parseShare(text: string): number | null {
  const share = parseNumber(text);
  return share > 0 && share < 1 ? share : null;
}

function parseResize(text: string): NonNullable<ModelClaims['resize']> | null {
  if (text === 'squash') return { rule: text };
  const [, rule, side] = /^(crop|fit)(?::([1-9]\d{0,4}))?$/.exec(text) ?? [];
  return rule === undefined ? null : { rule, ...(side && { shorterSide: Number(side) }) };
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

/** Check a model, and print each step as it ends. Exits with 1 unless all pass. */
export async function checkInRegistry(
  model: string,
  { json = false, deadline }: CheckModelOptions,
): Promise<void> {
  const print = (step: CheckStep): void => {
    if (!json) process.stdout.write(`${describeStep(step)}\n`);
  };
  const deadlineMs = parseDeadline(deadline);
  const steps = await checkIsolated(findModel(model), { deadlineMs }, print);
  if (json) printJson({ steps });
  if (steps.some(({ ok }) => ok !== true)) process.exitCode = 1;
}

function describeStep({ name, ok, detail }: CheckStep): string {
  const mark = ok === null ? '-' : ok ? 'ok' : 'FAILED';
  return `${mark.padEnd(7)}${name}: ${detail}`;
}

/** Longest deadline, s; timers have 32 bits of milliseconds. */
const maxDeadline = 86_400;

/** @returns Milliseconds. @throws {AppError} `invalid_input` */
export function parseDeadline(text: string): number {
  const seconds = parseNumber(text);
  if (seconds > 0 && seconds <= maxDeadline) return Math.ceil(seconds * 1000);
  throw invalidInput(`Expected --deadline to be seconds, up to ${maxDeadline}, got '${text}'`);
}
