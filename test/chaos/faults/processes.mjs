// Processes that die, freeze, or believe that it is another time.
import { setTimeout as sleep } from 'node:timers/promises';
import { makePhotos } from '../../trials/photos.mjs';
import { until } from '../../trials/until.mjs';
import { both } from '../fault.mjs';

/** @typedef {import('../fault.mjs').Fault} Fault */
/** @typedef {import('../fault.mjs').Scene} Scene */

const orderMs = 15_000;
const hourMs = 3_600_000;

/** @param {Scene} scene */
const restartDead = ({ fleet }) => Promise.all(fleet.workers.map((worker) => worker.start()));

/**
 * A worker dies at the moment at which it touches an object of the store.
 *
 * @param {string} name
 * @param {(scene: Scene) => string} pattern
 * @returns {Fault}
 */
const killAt = (name, pattern) => ({
  name,
  stores: both,
  kills: 1,
  async run(scene) {
    const isDone = await scene.orders.killOnce(pattern(scene), orderMs);
    if (!isDone) return { skipped: 'no worker came to that point in time' };
    return { repair: () => restartDead(scene) };
  },
});

/** @type {Fault} */
const killInShard = {
  name: 'worker killed in a shard',
  stores: both,
  kills: 1,
  async run({ fleet, chance }) {
    const victim = chance.pick(fleet.workers);
    await untilAtWork(fleet);
    await victim.kill();
    return { repair: () => victim.start() };
  },
};

/** @type {Fault} */
const killAllWorkers = {
  name: 'all workers killed',
  stores: both,
  kills: 2,
  async run(scene) {
    await Promise.all(scene.fleet.workers.map((worker) => worker.kill()));
    return { repair: () => restartDead(scene) };
  },
};

/** @type {Fault} */
const killApi = {
  name: 'API killed, an upload under way',
  stores: both,
  kills: 1,
  async run({ fleet, client, chance }) {
    const photos = await makePhotos(30, 7);
    // Its answer never comes; what it left is looked for at the trial's end.
    const upload = client.upload(photos).catch(() => null);
    await sleep(chance.between(20, 120));
    await fleet.api.kill();
    const dataset = await upload;
    const repair = async () => {
      await fleet.api.start();
      if (dataset !== null) await client.request(`/v1/datasets/${dataset}`, { method: 'DELETE' });
    };
    return { repair };
  },
};

/** @type {Fault} */
const freeze = {
  name: 'worker frozen past the lock',
  stores: both,
  kills: 0,
  async run({ fleet, chance }) {
    const victim = chance.pick(fleet.workers);
    victim.signal('SIGSTOP');
    await sleep(fleet.lockMs * 2.5);
    victim.signal('SIGCONT');
    return undefined;
  },
};

/**
 * @param {string} where
 * @param {number} shiftMs
 * @returns {Fault}
 */
const moveClock = (where, shiftMs) => ({
  name: `clock of a worker an hour ${where}`,
  stores: both,
  kills: 1,
  async run({ fleet, chance, isShort }) {
    const [victim, ...others] = chance.shuffle(fleet.workers);
    if (victim === undefined) throw new Error('Expected a worker');
    await victim.stop();
    await victim.start({ UMBRA_CHAOS_SHIFT_MS: String(shiftMs) });
    // It leads now, and hands over when it ends.
    await Promise.all(others.map((other) => other.kill()));
    await Promise.all(others.map((other) => other.start()));
    await sleep(isShort ? 2_000 : 8_000);
    await victim.stop();
    return { repair: () => victim.start() };
  },
});

/**
 * @param {import('../../trials/fleet.mjs').Fleet} fleet
 * @param {string} queue
 */
const active = ({ redis }, queue) => redis.client.llen(`umbra:${queue}:active`);

/** @param {import('../../trials/fleet.mjs').Fleet} fleet */
export const untilAtWork = (fleet) =>
  until('a shard at work', async () => (await active(fleet, 'shard')) > 0, { timeoutMs: orderMs });

/** @type {readonly Fault[]} */
export const processFaults = [
  killInShard,
  killAt('worker killed in a merge', ({ chance, job }) => {
    const file = chance.pick([
      'scores\\.npy',
      'heatmap\\.png',
      'attribution\\.npy',
      'result\\.json',
    ]);
    return `(PUT|\\.tmp/).*${job}/images/img_[0-9]+/${file}`;
  }),
  killAt('dispatcher killed', () => '(readdir .*|/|prefix=)active/?(&|$)'),
  killAllWorkers,
  killApi,
  freeze,
  moveClock('ahead', hourMs),
  moveClock('behind', -hourMs),
];
