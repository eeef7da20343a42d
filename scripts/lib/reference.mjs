// Tables in docs/ that are generated from the schemas: settings of a run, and environment variables.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandError, repoRoot } from './run.mjs';

/** Each generated part: the page, the name of its marker, and the function that makes its lines. */
const parts = /** @type {const} */ ([
  ['docs/settings.md', 'settings', settingsTable],
  ['docs/operations/configuration.md', 'environment', environmentTable],
]);

/** Writes the generated parts. @returns {Promise<string[]>} the pages that changed */
export async function writeReference() {
  return update(true);
}

/** @throws {CommandError} with the pages whose tables differ from the schemas */
export async function checkReference() {
  const stale = await update(false);
  if (stale.length === 0) return;
  throw new CommandError(
    `Expected tables that match the schemas in ${stale.join(', ')}: npm run docs writes them`,
    1,
  );
}

/** @param {boolean} write */
async function update(write) {
  const changed = [];
  for (const [page, name, make] of parts) {
    const path = join(repoRoot, page);
    const text = await readFile(path, 'utf8');
    const next = replacePart(text, name, await make());
    if (next === text) continue;
    changed.push(page);
    if (write) await writeFile(path, next);
  }
  return changed;
}

/**
 * @param {string} text of a page
 * @param {string} name of the part
 * @param {string} content
 */
export function replacePart(text, name, content) {
  const [begin, end] = [`<!-- begin ${name}: npm run docs -->`, `<!-- end ${name} -->`];
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) {
    throw new CommandError(`Expected the lines '${begin}' and '${end}'`, 1);
  }
  return `${before}${begin}\n${content}\n${end}${after}`;
}

async function settingsTable() {
  const { settingDefaults, settingSchemas } = await import('@umbra/shared/contracts/settings');
  const rows = Object.entries(settingSchemas).map(([name, schema]) => [
    code(name),
    code(`--${kebab(name)}`),
    schema.description ?? '',
    name in settingDefaults ? code(JSON.stringify(settingDefaults[name])) : 'none',
  ]);
  return table(['setting', 'flag', 'meaning', 'default'], rows);
}

async function environmentTable() {
  const { z } = await import('zod');
  const { apiConfig } = await import('@umbra/api/config');
  const { workerConfig } = await import('@umbra/worker/config');
  const { cliConfig } = await import('@umbra/cli/config');
  /** @typedef {{ readers: string[], meaning: string, fallback: string }} Row */
  const rows = /** @type {Map<string, Row>} */ (new Map());
  for (const [reader, schema] of /** @type {const} */ ([
    ['API', apiConfig],
    ['worker', workerConfig],
    ['`umbra`', cliConfig],
  ])) {
    const { properties = {} } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
    for (const [name, property] of Object.entries(properties)) {
      const { description = '', default: fallback } = /** @type {any} */ (property);
      const fallbackText = fallback === undefined || fallback === '' ? 'none' : code(fallback);
      const row =
        rows.get(name) ??
        /** @type {Row} */ ({
          readers: [],
          meaning: description,
          fallback: fallbackText,
        });
      row.readers.push(row.fallback === fallbackText ? reader : `${reader} (${fallbackText})`);
      rows.set(name, row);
    }
  }
  const lines = [...rows]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { readers, meaning, fallback }]) => [
      code(name),
      readers.join(', '),
      meaning,
      fallback,
    ]);
  return table(['variable', 'read by', 'meaning', 'default'], lines);
}

/** @param {unknown} value */
const code = (value) => `\`${String(value).replaceAll('|', '\\|')}\``;

/** @param {string} name */
const kebab = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/**
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 */
function table(head, rows) {
  const line = (/** @type {readonly string[]} */ cells) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}
