import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { writeOnnxTwin } from './convert-model.js';

/** A bundle whose network is ONNX: itself, or a translation of it in a folder of its own. */
export type OnnxForm = {
  readonly folder: string;
  readonly bundle: ModelBundle;
  /** Removes a translation. */
  close(): Promise<void>;
};

/**
 * Any bundle as ONNX. A translation is as large as the model, and lies in the system's temporary folder.
 *
 * @returns A reason where the network has parts that are not translated.
 * @throws {AppError} `integrity` if its files are damaged.
 */
export async function openOnnxForm(
  folder: string,
  bundle: ModelBundle,
): Promise<OnnxForm | { readonly reason: string }> {
  if (bundle.format === 'onnx') return { folder, bundle, close: async () => undefined };
  const out = await mkdtemp(join(tmpdir(), 'umbra-onnx-'));
  const close = () => rm(out, { recursive: true, force: true });
  try {
    const twin = await writeOnnxTwin(folder, bundle, out);
    if ('bundle' in twin) return { folder: out, bundle: twin.bundle, close };
    await close();
    return twin;
  } catch (error) {
    await close();
    throw error;
  }
}
