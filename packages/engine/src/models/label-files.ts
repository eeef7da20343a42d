import { readFile } from 'node:fs/promises';
import { invalidInput } from '@umbra/shared/errors';
import { z } from 'zod';

const nameList = z.array(z.string());
/** Teachable Machine's metadata.json. */
const metadataFile = z.looseObject({ labels: nameList });
/** Names by index, or Keras's `[WordNet id, name]` by index. */
const nameTable = z.record(
  z.string().regex(/^\d+$/),
  z.union([z.string(), z.tuple([z.string(), z.string()]).transform((both) => both.join(' '))]),
);
const forms =
  'a JSON array of names, {"0": name, ...}, {"0": [id, name], ...} or {"labels": [...]}, or a text of one name a line';

/**
 * Read class names from a file of any form that people have.
 *
 * @returns The names in the order of the classes; where the file has ids too, `id name`.
 * @throws {AppError} `invalid_input` if the file has another form, or a class without a name.
 */
export async function readLabelFile(path: string): Promise<readonly string[]> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw invalidInput(`Expected a file of class names at '${path}'`, error);
  });
  const text = decode(bytes, path);
  const isJson = path.endsWith('.json') || /^\s*[[{]/.test(text);
  const names = (isJson ? namesOfJson(text, path) : namesOfLines(text)).map((name) => name.trim());
  const blank = names.indexOf('');
  if (blank !== -1) {
    const where = isJson ? `class ${blank}` : `line ${blank + 1}`;
    throw invalidInput(`Expected a name for each class in '${path}', got none for ${where}`);
  }
  return names;
}

/** Decode UTF-8, or what a byte order mark says; the mark itself is dropped. */
function decode(bytes: Uint8Array, path: string): string {
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    throw invalidInput(`Expected UTF-8 in '${path}', got another encoding`, error);
  }
}

function namesOfJson(text: string, path: string): readonly string[] {
  const value = parse(text);
  const list = nameList.safeParse(value).data ?? metadataFile.safeParse(value).data?.labels;
  const names = list ?? namesOfTable(nameTable.safeParse(value).data ?? {}, path);
  if (names.length > 0) return names;
  throw invalidInput(`Expected class names in '${path}', as ${forms}, got something else`);
}

function namesOfTable(table: Readonly<Record<string, string>>, path: string): readonly string[] {
  const classes = Object.keys(table).length;
  return Array.from({ length: classes }, (_, index) => {
    const name = table[index];
    if (name !== undefined) return name;
    throw invalidInput(
      `Expected names of classes 0 to ${classes - 1} in '${path}', got none for class ${index}`,
    );
  });
}

/** Teachable Machine begins every line with its index. */
function namesOfLines(text: string): readonly string[] {
  const lines = text.trimEnd().split(/\r\n|\r|\n/);
  const isNumbered = lines.length > 1 && lines.every((line, index) => line.startsWith(`${index} `));
  return isNumbered ? lines.map((line, index) => line.slice(`${index} `.length)) : lines;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
