import { createHash, randomUUID } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ModelBundle, modelBundle } from '@umbra/shared/contracts/model';
import { AppError, invalidInput } from '@umbra/shared/errors';
import { readBundle, type StagedModel, verifyBundle } from './bundle.js';
import { checkModel } from './check.js';
import type { CheckStep } from './check-steps.js';

/** Stage a bundle's folder, perhaps under another name. @throws {AppError} As `readBundle`. */
export async function stageBundle(folder: string, name?: string): Promise<StagedModel> {
  const { bundle } = await readBundle(folder);
  const files = new Map(bundle.files.map(({ path }) => [path, join(folder, path)]));
  if (name === undefined || name === bundle.name) {
    return { bundle, description: await readFile(join(folder, 'bundle.json')), files };
  }
  if (!modelBundle.shape.name.safeParse(name).success) {
    throw invalidInput(
      `Expected a name of lower-case letters, digits, '.', '_' and '-', got '${name}'`,
    );
  }
  const renamed = { ...bundle, name };
  return {
    bundle: renamed,
    description: encodeBundle(renamed),
    files,
  };
}

export type AddOptions = {
  /** Put it in the place of another model of its name. */
  readonly replace?: boolean;
  /** Checks a bundle's folder; `checkModel` unless given, which runs the network in this process. */
  readonly check?: (folder: string) => Promise<readonly CheckStep[]>;
};

/**
 * Copy a model into a folder of models, as `registry/<name>`: all of it, verified and checked, or
 * nothing. A model that fails its check as it is described, and passes it one image at a time, is
 * described so.
 *
 * @returns The model's folder, and whether it was there already, byte for byte.
 * @throws {AppError} `integrity` if a file is not what the bundle lists; `invalid_input` if the model
 *   fails its check; `conflict` if another model has the name and `replace` is not set.
 */
export async function addModel(
  registry: string,
  staged: StagedModel,
  { replace = false, check = checkModel }: AddOptions = {},
): Promise<{ readonly folder: string; readonly known: boolean }> {
  const { bundle, files } = staged;
  const folder = join(registry, bundle.name);
  const present = await readFile(join(folder, 'bundle.json')).catch(() => null);
  if (candidatesOf(staged).some((description) => present?.equals(description))) {
    await verifyBundle(folder, bundle);
    return { folder, known: true };
  }
  if (existsSync(folder) && !replace) {
    throw new AppError(
      'conflict',
      `Another model is named '${bundle.name}' in '${registry}'; --name gives this one another name, --replace puts it in the other's place`,
    );
  }
  const temporary = join(registry, `.${randomUUID()}`);
  const old = join(registry, `.${randomUUID()}`);
  try {
    await mkdir(temporary, { recursive: true });
    for (const [path, content] of files) await put(join(temporary, path), content);
    await verifyBundle(temporary, bundle);
    await writeChecked(temporary, staged, check);
    if (existsSync(folder)) await rename(folder, old);
    await rename(temporary, folder).catch(async (error: unknown) => {
      if (existsSync(old)) await rename(old, folder);
      throw error;
    });
    return { folder, known: false };
  } finally {
    for (const path of [temporary, old]) await rm(path, { recursive: true, force: true });
  }
}

/** The descriptions that a model may get: as it came, and running one image at a time. */
const candidatesOf = ({ bundle, description }: StagedModel): readonly Buffer[] =>
  bundle.batch === undefined ? [description, encodeBundle({ ...bundle, batch: 1 })] : [description];

/** Digests that a model may get: of its description as it came, and as one that runs one image at a time. */
export const possibleDigests = (staged: StagedModel): readonly string[] =>
  candidatesOf(staged).map((description) => createHash('sha256').update(description).digest('hex'));

/** Write the first description with which the model passes its check. @throws {AppError} `invalid_input` */
async function writeChecked(
  folder: string,
  staged: StagedModel,
  check: NonNullable<AddOptions['check']>,
): Promise<void> {
  let reason = '';
  for (const description of candidatesOf(staged)) {
    await writeFile(join(folder, 'bundle.json'), description);
    const failed = (await check(folder)).find(({ ok }) => ok === false);
    if (failed === undefined) return;
    reason = `${failed.name}: ${failed.detail}`;
    if (failed.isLate || !batchSteps.has(failed.name)) break;
  }
  throw invalidInput(
    `Expected model '${staged.bundle.name}' to pass its check, got a failure of ${reason}`,
  );
}

/** Steps of a check that may fail since several images are run at once. */
const batchSteps: ReadonlySet<string> = new Set(['forward pass', 'parity']);

const encodeBundle = (bundle: ModelBundle): Buffer =>
  Buffer.from(`${JSON.stringify(bundle, null, 2)}\n`);

/** Write or copy one file; verifying the copy later finds and names a missing one. */
async function put(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  if (typeof content !== 'string') return writeFile(path, content);
  // A clone where the disk can make one: models are large.
  if (existsSync(content)) await copyFile(content, path, constants.COPYFILE_FICLONE);
}
