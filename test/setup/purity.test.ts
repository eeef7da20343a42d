import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const sharedRoom = 'packages/shared/src';
/** Rooms whose results follow from their arguments: no clock, no chance, no environment. */
const pureRooms = [
  sharedRoom,
  'packages/report/src',
  ...['occlusion', 'graph', 'convert', 'figures', 'encoding', 'results', 'incremental/plan'].map(
    (room) => `packages/engine/src/${room}`,
  ),
];
const impureCalls =
  /\b(process\.env|Date\.now\s*\(|performance\.now\s*\(|new Date\(\s*\)|Math\.random\s*\()/g;

/** Modules that packages/shared may import beside its own files. */
const sharedModules = new Set(['node:crypto', 'node:net', 'zod', 'lru-cache']);

const withoutComments = (text: string): string =>
  text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');

const impureCallsIn = (text: string): string[] =>
  [...withoutComments(text).matchAll(impureCalls)].map(([call]) => call);

const importsIn = (text: string): string[] =>
  [...withoutComments(text).matchAll(/\b(?:from|import)\s*\(?\s*(['"])(.+?)\1/g)].map(
    ([, , name]) => String(name),
  );

/** Sources of a room, without tests. */
async function* sourcesOf(room: string): AsyncGenerator<{ file: string; text: string }> {
  const names = await readdir(join(root, room), { recursive: true });
  for (const name of names.sort()) {
    if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue;
    yield { file: join(room, name), text: await readFile(join(root, room, name), 'utf8') };
  }
}

describe('the search for impure calls', () => {
  test.each([
    ['const a = process.env.HOME;', ['process.env']],
    ['const a = Date.now();', ['Date.now(']],
    ['const a = performance.now();', ['performance.now(']],
    ['const a = new Date();', ['new Date()']],
    ['const a = Math.random();', ['Math.random(']],
    ['const a = new Date(0);', []],
    ['/** By `performance.now()`. */\n// Date.now()\nconst a = 1;', []],
  ])('reads %j as %j', (text, found) => {
    expect(impureCallsIn(text)).toEqual(found);
  });
});

describe('a pure room', () => {
  test.each(pureRooms)('%s reads no clock, no chance and no environment', async (room) => {
    const found: string[] = [];
    let files = 0;
    for await (const { file, text } of sourcesOf(room)) {
      files += 1;
      found.push(...impureCallsIn(text).map((call) => `${file}: ${call}`));
    }
    expect(found).toEqual([]);
    expect(files).toBeGreaterThan(0);
  });
});

describe('packages/shared', () => {
  test('imports its own files, and few modules that do no I/O', async () => {
    const found: string[] = [];
    for await (const { file, text } of sourcesOf(sharedRoom)) {
      const foreign = importsIn(text).filter(
        (name) => !name.startsWith('./') && !name.startsWith('../') && !sharedModules.has(name),
      );
      found.push(...foreign.map((name) => `${file}: ${name}`));
    }
    expect(found).toEqual([]);
  });
});
