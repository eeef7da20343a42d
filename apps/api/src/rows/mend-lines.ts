import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { readLines } from '@umbra/platform/store/json';
import type { Logger } from '@umbra/platform/telemetry/logger';
import { imageId } from '@umbra/shared/contracts/dataset';
import { storedRow } from '@umbra/shared/contracts/row';
import { hasCode } from '@umbra/shared/errors';
import { replaceHalves } from '@umbra/shared/visible-text';
import { z } from 'zod';

/** Files of JSON lines that the database is to read. */
export type LineFiles = { readonly manifest?: string; readonly rows: readonly string[] };

/** What a line of a manifest must have to be a row. */
const manifestLine = z.looseObject({ id: imageId });

/** Have the database read files, and where it cannot, what is whole of them. */
export async function readWhole<F extends LineFiles>(
  files: F,
  context: { readonly jobId: string; readonly logger: Logger; readonly signal: AbortSignal },
  read: (files: F) => Promise<void>,
): Promise<void> {
  const { jobId, logger, signal } = context;
  try {
    await read(files);
  } catch (error) {
    if (hasCode(error) || signal.aborted) throw error;
    logger.warn({ jobId, reason: String(error) }, 'damaged rows found');
    const mend = async (file: string, schema: z.ZodType): Promise<string> => {
      await mendLines(file, `${file}.mended`, schema, signal);
      return `${file}.mended`;
    };
    const rows: string[] = [];
    for (const file of files.rows) rows.push(await mend(file, storedRow));
    const { manifest } = files;
    const mended = manifest === undefined ? {} : { manifest: await mend(manifest, manifestLine) };
    await read({ ...files, ...mended, rows });
  }
}

/**
 * Copy what is whole of a file of JSON lines, halves of surrogate pairs replaced: lines that are no such
 * records are left out, and those after a place at which the packed bytes are damaged.
 *
 * @param file Packed where its name ends in `.gz`.
 * @param schema What a line has to be; it is copied with all of its fields.
 */
async function mendLines(
  file: string,
  mended: string,
  schema: z.ZodType,
  signal: AbortSignal,
): Promise<void> {
  await pipeline(wholeLines(file, schema), createWriteStream(mended), { signal });
}

async function* wholeLines(file: string, schema: z.ZodType): AsyncGenerator<string> {
  const source = createReadStream(file);
  const unpacked = file.endsWith('.gz') ? source.pipe(createGunzip()) : source;
  source.on('error', (error) => unpacked.destroy(error));
  try {
    for await (const line of readLines(unpacked)) {
      const whole = mendLine(line.toString(), schema);
      if (whole !== null) yield `${whole}\n`;
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
  } finally {
    source.destroy();
    unpacked.destroy();
  }
}

function mendLine(line: string, schema: z.ZodType): string | null {
  try {
    const value: unknown = JSON.parse(line, (_, inner) =>
      typeof inner === 'string' ? replaceHalves(inner) : inner,
    );
    return schema.safeParse(value).success ? JSON.stringify(value) : null;
  } catch {
    return null;
  }
}

/** Whether bytes are not what zlib packs, or not lines. */
const isDamage = (error: unknown): boolean =>
  hasCode(error, 'integrity') ||
  (error instanceof Error && 'code' in error && /^Z_(DATA|BUF)_ERROR$/.test(String(error.code)));
