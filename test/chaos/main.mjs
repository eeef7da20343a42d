// The trial of faults; scripts/test-chaos.mjs says how it is called.
import { join } from 'node:path';
import { createChance } from '../trials/chance.mjs';
import { processFaults } from './faults/processes.mjs';
import { redisFaults } from './faults/redis.mjs';
import { storeFaults } from './faults/store.mjs';
import { workFaults } from './faults/work.mjs';
import { planRounds } from './plan.mjs';
import { runRounds } from './rounds.mjs';
import { formatTable, tabulate } from './table.mjs';

export const allFaults = [...processFaults, ...redisFaults, ...storeFaults, ...workFaults];

/** As startFleet sets it. */
const lockMs = 2_000;

/**
 * @param {object} options
 * @param {string} options.dir
 * @param {number} options.seed
 * @param {number} options.kills
 * @param {number} options.minutes after which no round begins
 * @param {readonly import('../trials/fleet.mjs').StoreKind[]} options.kinds
 * @param {readonly import('./fault.mjs').Fault[]} options.faults
 * @param {boolean} options.isShort
 * @param {(message: string) => void} options.report
 */
export async function runChaos({ dir, seed, kills, minutes, kinds, faults, isShort, report }) {
  const chance = createChance(seed);
  const start = performance.now();
  const deadline = start + minutes * 60_000;
  const plan = planRounds({ faults, kinds, kills, isShort }, chance);
  const images = isShort ? 16 : 40;
  /** @type {import('./verify.mjs').Digests} */
  const reference = new Map();
  /** @type {import('./rounds.mjs').Outcome} */
  const all = { happenings: [], rounds: [] };
  for (const kind of kinds) {
    const rounds = plan.filter((round) => round.kind === kind);
    if (rounds.length === 0) continue;
    const outcome = await runRounds({
      ...{ dir: join(dir, kind), kind, rounds, images, isShort, deadline },
      ...{ reference, chance, report },
    });
    all.happenings.push(...outcome.happenings);
    all.rounds.push(...outcome.rounds);
  }
  const table = tabulate(all.happenings, lockMs);
  const killed = all.happenings.reduce((sum, happening) => sum + happening.kills, 0);
  const seconds = Math.round((performance.now() - start) / 1000);
  report(
    `seed ${seed}: ${all.happenings.length} faults, ${killed} kills, ${seconds} s\n${formatTable(table)}`,
  );
  return { seed, seconds, killed, lockMs, table, ...all };
}
