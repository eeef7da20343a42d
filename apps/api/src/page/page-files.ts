import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';

/** Encodings that the build makes of each file that gets smaller by them, best first. */
export const encodings = [
  { name: 'br', suffix: '.br' },
  { name: 'gzip', suffix: '.gz' },
] as const;
export type EncodingName = (typeof encodings)[number]['name'];

export type PageFile = {
  readonly type: string;
  readonly body: Buffer;
  /** The same in other encodings, where the build made them. */
  readonly encoded: Readonly<Partial<Record<EncodingName, Buffer>>>;
};

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.md': 'text/markdown',
  '.svg': 'image/svg+xml',
};

/** The page as one file, which the CLI fills: no path answers with it. */
const offlinePage = 'offline.html';

/**
 * Read the built page, some hundred kilobytes, by path: `/index.html`, `/assets/...`.
 *
 * @returns null where it is not built.
 */
export function readPageFiles(folder: string): ReadonlyMap<string, PageFile> | null {
  if (!existsSync(join(folder, 'index.html'))) return null;
  const files = new Map<string, PageFile>();
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const type = types[extname(entry)];
    if (type === undefined || entry === offlinePage) continue;
    const path = join(folder, entry);
    files.set(`/${entry.replaceAll('\\', '/')}`, {
      type,
      body: readFileSync(path),
      encoded: readEncoded(path),
    });
  }
  return files;
}

function readEncoded(path: string): PageFile['encoded'] {
  const found = encodings
    .filter(({ suffix }) => existsSync(path + suffix))
    .map(({ name, suffix }) => [name, readFileSync(path + suffix)]);
  return Object.fromEntries(found);
}
