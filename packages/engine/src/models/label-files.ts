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
/** Characters of a wrong value that a message quotes. */
const maxQuoted = 40;
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

/** Encodings by their byte order marks. */
const encodings: Readonly<Record<string, string>> = { fffe: 'utf-16le', feff: 'utf-16be' };

/** Decode UTF-8, or what a byte order mark says; the mark itself is dropped. */
function decode(bytes: Uint8Array, path: string): string {
  const mark = Buffer.from(bytes.subarray(0, 2)).toString('hex');
  const encoding = encodings[mark] ?? 'utf-8';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    throw invalidInput(
      `Expected UTF-8, or UTF-16 with its mark, in '${path}', got another encoding`,
      error,
    );
  }
}

function namesOfJson(text: string, path: string): readonly string[] {
  const value = parse(text);
  const list = nameList.safeParse(value).data ?? metadataFile.safeParse(value).data?.labels;
  const names = list ?? namesOfTable(nameTable.safeParse(value).data ?? {}, path);
  if (names.length > 0) return names;
  throw invalidInput(`Expected class names in '${path}', as ${forms}, got ${describe(value)}`);
}

/** The first value of a JSON file that is no name, or what the whole is. */
function describe(value: unknown): string {
  if (value === undefined) return 'JSON that cannot be read';
  const isObject = typeof value === 'object' && value !== null;
  const [found] = isObject
    ? Object.entries(value).filter(([, one]) => typeof one !== 'string')
    : [];
  const where = found === undefined ? '' : ` at '${found[0]}'`;
  const text = JSON.stringify(found === undefined ? value : found[1]);
  return `${text.length > maxQuoted ? `${text.slice(0, maxQuoted)}...` : text}${where}`;
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

/** Teachable Machine begins every line with its index; others set it off by a colon or a tab. */
function namesOfLines(text: string): readonly string[] {
  const lines = text.trimEnd().split(/\r\n|\r|\n/);
  const numbered = lines.map((line) => /^(\d+)(?::?[ \t]+|:$)(.*)$/.exec(line));
  const isNumbered =
    lines.length > 1 && numbered.every((found, index) => found?.[1] === `${index}`);
  return isNumbered ? numbered.map((found) => found?.[2] ?? '') : lines;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
