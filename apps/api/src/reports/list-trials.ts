import { matchKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import { readTrial } from '@umbra/platform/store/reports';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { Trial } from '@umbra/shared/contracts/trial';
import type { Page } from '../http/pages.js';

/** Trials of a job that are kept; one more takes the oldest that has ended away. */
export const maxTrials = 100;

/** All that are kept as the one page that they are. */
export const trialPage = (data: Trial[]): Page<Trial> => ({ data, next_cursor: null });

/** List a job's trials, the newest first. */
export async function listTrials(
  store: ObjectStore,
  tenant: string,
  job: string,
): Promise<Trial[]> {
  const found: Trial[] = [];
  for await (const { key } of store.list(keys.trials(tenant, job))) {
    const named = matchKey('trial', key);
    const one = named && (await readTrial(store, { tenant, id: job }, named.trial));
    if (one !== null) found.push(one);
  }
  return found.toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1)).slice(0, maxTrials);
}
