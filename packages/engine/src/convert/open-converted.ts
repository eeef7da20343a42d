import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { startInStat, temporaryPrefix } from '@umbra/shared/temporary-name';
import { writeConvertedModel } from './convert-model.js';

/** A bundle as ONNX: itself, or a conversion of it in a folder of its own. */
export type ConvertedModel = {
  readonly folder: string;
  readonly bundle: ModelBundle;
  /** Removes the conversion, if there is one. */
  close(): Promise<void>;
};

/**
 * Open any bundle as ONNX. A conversion is as large as the model, and lies in the system's temporary
 * folder until it is closed.
 *
 * @returns The reason why there is none, where the network has parts that are not translated.
 * @throws {AppError} `integrity` if its files are damaged.
 */
export async function openConvertedModel(
  folder: string,
  bundle: ModelBundle,
): Promise<ConvertedModel | { readonly reason: string }> {
  if (bundle.format === 'onnx') return { folder, bundle, close: async () => undefined };
  const out = await makeFolder();
  const close = () => rm(out, { recursive: true, force: true });
  try {
    const converted = await writeConvertedModel(folder, bundle, out);
    if ('bundle' in converted) return { folder: out, bundle: converted.bundle, close };
    await close();
    return converted;
  } catch (error) {
    await close();
    throw error;
  }
}

/** Make a folder that others can tell for a dead process's, once this one is killed. */
async function makeFolder(): Promise<string> {
  const start = startInStat(await readFile('/proc/self/stat', 'utf8').catch(() => null)) ?? '0';
  const owner = { hostname: hostname(), pid: process.pid, start };
  return mkdtemp(join(tmpdir(), temporaryPrefix('onnx', owner)));
}
