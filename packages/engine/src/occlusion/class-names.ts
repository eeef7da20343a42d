import type { ItemLabel } from '@umbra/shared/contracts/dataset';
import type { BaselineRun } from '@umbra/shared/contracts/shard';
import { type AppError, hasCode, invalidInput } from '@umbra/shared/errors';

/**
 * Finds the class that a label names, by the one rule of every door: a number is an index; a text is
 * a class's name or WordNet id, else its name in other case, else, if it is all digits, an index.
 *
 * @param what What the label is, for the error; `target` by default.
 * @returns An index among the model's classes.
 * @throws {AppError} `invalid_input` if there is no such class, or several.
 */
export type ClassFinder = (label: ItemLabel, what?: string) => number;

/** @param names Class names in the order of the model's output; undefined where it has none. */
export function createClassFinder(names: readonly string[] | undefined): ClassFinder {
  if (names === undefined) return findNumberedClass;
  const exact = indexClasses(names, keysOf);
  const caseBlind = indexClasses(names, (name) => keysOf(name).map(foldCase));
  const atIndex = (index: number, what: string): number => {
    if (index < names.length) return index;
    const where = what === 'target' ? 'target.index' : what;
    throw invalidInput(`Expected ${where} to be below ${names.length}, got ${index}`);
  };
  return (label, what = 'target') => {
    if (typeof label === 'number') return atIndex(label, what);
    const found = exact.get(label) ?? caseBlind.get(foldCase(label));
    const where = what === 'target' ? 'target.name' : what;
    if (found === undefined) {
      if (isIndex(label)) return atIndex(Number(label), what);
      throw unknownClass(label, names, where);
    }
    const [index, ...others] = found;
    if (index !== undefined && others.length === 0) return index;
    throw invalidInput(
      `Expected ${where} to be one class of the model, got '${label}', which ${listClasses(found, names)} are: give the index`,
    );
  };
}

/**
 * Find a class of a model that has no class names: by its index, or as `class 7`, which is what
 * results call it. How many there are is not known.
 */
const findNumberedClass: ClassFinder = (label, what = 'target') => {
  const [, digits] = /^(?:class )?(\d+)$/i.exec(String(label)) ?? [];
  if (digits !== undefined) return Number(digits);
  throw invalidInput(
    `Expected ${what} to be an index, since the model has no class names, got '${label}'`,
  );
};

/**
 * Whether an image's label names its predicted class.
 *
 * @param names Class names; empty where the model has none.
 * @returns null without a label, or where it names no class, or several; false where no class is predicted.
 */
export function isRight(
  label: ItemLabel | undefined,
  { index, aboveThreshold }: BaselineRun['predicted'],
  names: readonly string[],
): boolean | null {
  if (label === undefined) return null;
  try {
    const found = createClassFinder(names.length === 0 ? undefined : names)(label);
    return aboveThreshold !== false && found === index;
  } catch (error) {
    if (hasCode(error, 'invalid_input')) return null;
    throw error;
  }
}

/** The names that several classes have, each with its classes' indices. */
export const findDoubledNames = (
  names: readonly string[],
): ReadonlyMap<string, readonly number[]> =>
  new Map([...indexClasses(names, keysOf)].filter(([, indices]) => indices.length > 1));

/**
 * What a class goes by: `n02012849 crane`, the form of ImageNet's lists, is a WordNet id and a name,
 * and either of them names it.
 */
function keysOf(name: string): string[] {
  const [, id, own] = /^(n\d{8})\s+(.+)$/.exec(name) ?? [];
  return id === undefined || own === undefined ? [name] : [name, id, own];
}

function indexClasses(
  names: readonly string[],
  keys: (name: string) => readonly string[],
): ReadonlyMap<string, readonly number[]> {
  const index = new Map<string, number[]>();
  for (const [place, name] of names.entries()) {
    for (const key of new Set(keys(name))) {
      const places = index.get(key);
      if (places === undefined) index.set(key, [place]);
      else places.push(place);
    }
  }
  return index;
}

const foldCase = (text: string): string => text.toLowerCase();
const isIndex = (text: string): boolean => /^\d+$/.test(text);

const listedClasses = 5;

/** Classes with their indices: `134 'crane' and 517 'crane'`. */
function listClasses(indices: readonly number[], names: readonly string[]): string {
  const listed = indices.slice(0, listedClasses).map((index) => `${index} '${names[index]}'`);
  if (indices.length > listedClasses) listed.push(`${indices.length - listedClasses} others`);
  return `${listed.slice(0, -1).join(', ')} and ${listed.at(-1)}`;
}

function unknownClass(text: string, names: readonly string[], where: string): AppError {
  const wanted = foldCase(text);
  const similar = names.filter((name) => foldCase(name).includes(wanted)).slice(0, 3);
  const hint = similar.length > 0 ? `; did you mean ${similar.join(', ')}?` : '';
  return invalidInput(`Expected ${where} to be a class of the model, got '${text}'${hint}`);
}
