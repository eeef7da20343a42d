import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type DescribedBundle, type ModelBundle, parseBundle } from '@umbra/shared/contracts/model';
import { integrity, invalidInput } from '@umbra/shared/errors';

/** A model whose files may lie anywhere, ready to be put into one folder. */
export type StagedModel = {
  readonly bundle: ModelBundle;
  /** The bytes of `bundle.json`. */
  readonly description: Buffer;
  /** A path to copy, or the content, for each of the bundle's files. */
  readonly files: ReadonlyMap<string, string | Buffer>;
};

/**
 * Read a bundle's description; its digest, the sha256 of `bundle.json`, stands for all its files.
 *
 * @throws {AppError} `invalid_input` if there is no valid `bundle.json` in the folder.
 */
export async function readBundle(folder: string): Promise<DescribedBundle> {
  const path = join(folder, 'bundle.json');
  const text = await readFile(path).catch((error: unknown) => {
    throw invalidInput(`Expected a model's description at '${path}'`, error);
  });
  return { bundle: parseBundle(text, path), digest: hash(text) };
}

/**
 * Compare every file of a bundle with its listed size and sha256.
 *
 * @throws {AppError} `integrity` naming the file, what was expected and what was found.
 */
export async function verifyBundle(folder: string, bundle: ModelBundle): Promise<void> {
  for (const file of bundle.files) {
    const path = join(folder, file.path);
    const size = await stat(path).then(
      (info) => info.size,
      () => null,
    );
    if (size !== file.bytes) {
      throw integrity(
        `Expected ${file.bytes} bytes in '${file.path}' of model '${bundle.name}', got ${size ?? 'no file'}`,
      );
    }
    const found = await hashFile(path);
    if (found !== file.sha256) {
      throw integrity(
        `Expected '${file.path}' of model '${bundle.name}' to have sha256 ${file.sha256}, got ${found}`,
      );
    }
  }
}

/** Read a bundle and verify its files. @throws {AppError} As `readBundle` and `verifyBundle`. */
export async function readVerifiedBundle(folder: string): Promise<DescribedBundle> {
  const described = await readBundle(folder);
  await verifyBundle(folder, described.bundle);
  return described;
}

const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

async function hashFile(path: string): Promise<string> {
  const digest = createHash('sha256');
  await pipeline(createReadStream(path), digest);
  return digest.digest('hex');
}

/** Digest and size of a file, given by its path or its content. */
export async function digestOf(
  file: string | Buffer,
): Promise<{ readonly sha256: string; readonly bytes: number }> {
  return typeof file === 'string'
    ? { sha256: await hashFile(file), bytes: (await stat(file)).size }
    : { sha256: hash(file), bytes: file.length };
}
