import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { classPair, type ModelBundle, parseClassNames } from '@umbra/shared/contracts/model';
import { findDoubledNames } from '../occlusion/class-names.js';

/**
 * The class names of a bundle, in the order of the network's output.
 *
 * @param classes How many classes the network tells apart: `OutputHead.classes`.
 * @returns `classes` names; `class 0`, `class 1`, ... where the bundle has none.
 * @throws {AppError} `integrity` if the file is not an array of `classes` names.
 */
export async function readLabels(
  folder: string,
  bundle: ModelBundle,
  classes: number,
): Promise<readonly string[]> {
  const names = await readClassNames(folder, bundle, classes);
  return names ?? Array.from({ length: classes }, (_, index) => `class ${index}`);
}

/**
 * The class names that a bundle has; undefined where it has none.
 *
 * @throws {AppError} `integrity` if the file is not an array of names, or not of `classes` names.
 */
export async function readClassNames(
  folder: string,
  bundle: ModelBundle,
  classes?: number,
): Promise<readonly string[] | undefined> {
  const pair = classPair(bundle.output);
  if (pair !== null) return pair;
  if (bundle.labels === undefined) return undefined;
  return parseClassNames(await readFile(join(folder, bundle.labels)), bundle, classes);
}

const listedNames = 5;

/** What to tell of names that several classes have; null where each has its own. */
export function describeDoubledNames(names: readonly string[]): string | null {
  const doubled = [...findDoubledNames(names)];
  if (doubled.length === 0) return null;
  const listed = doubled
    .slice(0, listedNames)
    .map(([name, indices]) => `'${name}' (${indices.join(', ')})`);
  if (doubled.length > listedNames) listed.push(`${doubled.length - listedNames} more`);
  return `a target or label cannot name one of several classes: ${listed.join(', ')}; give the index`;
}
