import { findRemains, type Remains } from '@umbra/datasets';
import { readOperatorConfig } from './config.js';
import { openOperatorStore } from './operator.js';

const dayMs = 24 * 3600 * 1000;

/** What dead processes left in the store, wherever it lies. */
export async function* findAllRemains(): AsyncGenerator<Remains> {
  const config = readOperatorConfig();
  const days = config.UMBRA_KEEP_SCORES_DAYS;
  const found = findRemains({
    store: openOperatorStore(config),
    abandonedMs: config.UMBRA_ABANDONED_MS,
    keepScoresMs: days === undefined ? undefined : days * dayMs,
    isThorough: true,
  });
  for await (const one of found) if (one !== null) yield one;
}
