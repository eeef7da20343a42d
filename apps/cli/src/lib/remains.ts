import { findRemains, type Remains } from '@umbra/datasets';
import { openStore } from '@umbra/platform/store/open-store';
import { readOperatorConfig } from './config.js';

const dayMs = 24 * 3600 * 1000;

/** What dead processes left in the store, wherever it lies. */
export async function* findAllRemains(): AsyncGenerator<Remains> {
  const config = readOperatorConfig();
  const days = config.UMBRA_KEEP_SCORES_DAYS;
  const found = findRemains({
    store: openStore(config),
    abandonedMs: config.UMBRA_ABANDONED_MS,
    keepScoresMs: days === undefined ? undefined : days * dayMs,
    isThorough: true,
  });
  for await (const one of found) if (one !== null) yield one;
}
