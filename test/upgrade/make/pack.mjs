// Archives that are the same for the same files: in order, and without times.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/**
 * @param {any} tar `tar-stream`
 * @param {readonly { name: string, bytes: Buffer }[]} files
 * @returns {Promise<Buffer>}
 */
export async function packFiles(tar, files) {
  const pack = tar.pack();
  for (const { name, bytes } of files) pack.entry({ name, mtime: new Date(0) }, bytes);
  pack.finalize();
  const chunks = [];
  for await (const chunk of pack) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/**
 * @param {any} tar `tar-stream`
 * @param {string} folder
 * @returns {Promise<Buffer>} a tar.gz of every file in it
 */
export async function packFolder(tar, folder) {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    .sort();
  const files = names.map((name) => ({ name, bytes: readFileSync(join(folder, name)) }));
  return gzipSync(await packFiles(tar, files), { level: 9 });
}
