import { constants } from 'node:fs';
import { access, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { jobId } from '@umbra/shared/contracts/job';
import { invalidInput } from '@umbra/shared/errors';
import { z } from 'zod';

/** What stands beside the results of a job, so that no other job's get mixed with them. */
const owner = z.strictObject({ version: z.literal(1), job: jobId });

const ownerFile = 'job.json';

/**
 * Check that a folder can be written to, or be made, before any work.
 *
 * @throws {AppError} `invalid_input` if it is a file or lies in one, or if that is not allowed.
 */
export async function checkOutFolder(out: string): Promise<void> {
  for (let path = resolve(out); ; path = dirname(path)) {
    const info = await stat(path).catch(absent);
    if (info === null) continue;
    if (!info.isDirectory()) {
      throw invalidInput(`Expected --out to be a folder, got the file '${path}'`);
    }
    await access(path, constants.W_OK).catch((error: unknown) => {
      throw invalidInput(
        `Expected --out to be a folder that can be written to, got '${out}'`,
        error,
      );
    });
    return;
  }
}

/**
 * Check that a folder may take the results of a job: a new one, or one that has that job's already.
 *
 * @param job null for a job that there is not yet: the folder may have no job's.
 * @throws {AppError} `invalid_input` if it is a file, or has the results of another job.
 */
export async function checkResultFolder(out: string, job: string | null): Promise<void> {
  await checkOutFolder(out);
  const owner = await readOwner(out);
  if (owner !== null && owner === job) return;
  const others = owner === null ? await findResults(out) : `the results of job ${owner}`;
  if (others === undefined) return;
  throw invalidInput(`Expected --out to be a new folder, got '${out}', which has ${others}`);
}

async function findResults(out: string): Promise<string | undefined> {
  for (const name of ['results', 'archive.zip']) {
    if ((await stat(join(out, name)).catch(absent)) !== null) return `'${name}' already`;
  }
  return undefined;
}

/** Say whose results a folder holds. */
export async function writeOwner(out: string, job: string): Promise<void> {
  const record: z.output<typeof owner> = { version: 1, job };
  await mkdir(out, { recursive: true });
  await writeFile(join(out, ownerFile), `${JSON.stringify(record)}\n`);
}

async function readOwner(out: string): Promise<string | null> {
  const text = await readFile(join(out, ownerFile), 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return owner.parse(JSON.parse(text)).job;
  } catch (error) {
    throw invalidInput(
      `Expected '${join(out, ownerFile)}' as umbra writes it, got something else`,
      error,
    );
  }
}

function absent(error: unknown): null {
  // Below a file there is nothing, either.
  const isAbsent =
    error instanceof Error && 'code' in error && /^(ENOENT|ENOTDIR)$/.test(String(error.code));
  if (isAbsent) return null;
  throw error;
}
