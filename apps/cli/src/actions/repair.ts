import type { Remains } from '@umbra/datasets';
import { findDeadFolders, removeDeadFolders } from '@umbra/platform/temporary-folders';
import { reportError } from '@umbra/shared/errors';
import { escapeHidden } from '@umbra/shared/visible-text';
import { printJson } from '../lib/output.js';
import { findAllRemains } from '../lib/remains.js';

export type RepairOptions = { readonly dryRun?: boolean; readonly json?: boolean };

type Repaired = Pick<Remains, 'name'> & {
  readonly kind: Remains['kind'] | 'folder';
  /** Last sign of life, ISO 8601; null of a folder. */
  readonly since: string | null;
  /** Why it could not be deleted; null where it was, or would be. */
  readonly error: string | null;
};

/** Delete what dead processes left, or print what would be deleted. Exits with 1 where something stays. */
export async function repair({ dryRun = false, json = false }: RepairOptions): Promise<void> {
  let count = 0;
  let failed = 0;
  const print = (one: Repaired): void => {
    count += 1;
    if (one.error !== null) failed += 1;
    if (json) printJson(one);
    else process.stdout.write(`${escapeHidden(describe(one))}\n`);
  };
  for await (const found of findAllRemains()) {
    const error = dryRun ? null : await removeOne(found);
    const since = new Date(found.sinceMs).toISOString();
    print({ kind: found.kind, name: found.name, since, error });
  }
  for (const name of dryRun ? await findDeadFolders() : await removeDeadFolders()) {
    print({ kind: 'folder', name, since: null, error: null });
  }
  const verb = dryRun ? 'would be deleted' : 'deleted';
  process.stderr.write(`${count - failed} ${verb}${failed === 0 ? '' : `, ${failed} not`}\n`);
  if (failed > 0) process.exitCode = 1;
}

const describe = ({ kind, name, since, error }: Repaired): string =>
  `${kind.padEnd(9)}${name}${since === null ? '' : `  (since ${since})`}${error === null ? '' : `: ${error}`}`;

const removeOne = (found: Remains): Promise<string | null> =>
  found.remove().then(
    () => null,
    (error: unknown) => reportError(error).message,
  );
