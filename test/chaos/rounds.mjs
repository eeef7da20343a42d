// Runs the rounds: a job, faults while it runs, and what must be true at its end.
import { join } from 'node:path';
import { allOutputs } from '@umbra/shared/contracts/outputs';
import { createClient } from '../trials/client.mjs';
import { startFleet } from '../trials/fleet.mjs';
import { makePhotos } from '../trials/photos.mjs';
import { until } from '../trials/until.mjs';
import { createOrders } from './orders.mjs';
import { hasEnded, heldImages, measureRecovery } from './recovery.mjs';
import { digestResults, findBroken, findRemains, finishedImages } from './verify.mjs';

/** @typedef {import('./fault.mjs').Fault} Fault */
/** @typedef {import('./fault.mjs').Scene} Scene */
/** @typedef {import('./recovery.mjs').Recovery} Recovery */

/**
 * @typedef {object} Happening a fault as it happened
 * @property {string} fault
 * @property {import('../trials/fleet.mjs').StoreKind} store
 * @property {number} round
 * @property {string} at
 * @property {number} lastedMs
 * @property {number} kills
 * @property {string | null} skipped
 * @property {string | null} note
 * @property {Recovery | null} recovery
 */

/**
 * @typedef {object} Outcome
 * @property {Happening[]} happenings
 * @property {{ round: number, store: string, faults: string[], broken: string[] }[]} rounds
 */

const workers = 2;
const jobMs = 240_000;
const movingMs = 60_000;
/** Enough for a fault to begin, and for one image after it. */
const minImagesLeft = 8;

/**
 * @param {object} options
 * @param {string} options.dir
 * @param {import('../trials/fleet.mjs').StoreKind} options.kind
 * @param {readonly import('./plan.mjs').Round[]} options.rounds
 * @param {number} options.images
 * @param {boolean} options.isShort
 * @param {number} options.deadline of performance.now(), after which no round begins
 * @param {import('./verify.mjs').Digests} options.reference filled by the first fleet
 * @param {import('../trials/chance.mjs').Chance} options.chance
 * @param {(message: string) => void} options.report
 * @returns {Promise<Outcome>}
 */
export async function runRounds(options) {
  const { dir, kind, rounds, images, isShort, deadline, reference, chance, report } = options;
  const orders = createOrders(join(dir, 'orders'));
  const draw = chance.next;
  const envOf = (/** @type {string} */ member) => ({
    UMBRA_ABANDONED_MS: '10000',
    ...(member !== 'api' && orders.env),
  });
  const fleet = await startFleet({ dir, kind, workers, draw, envOf });
  /** @type {Outcome} */
  const outcome = { happenings: [], rounds: [] };
  try {
    const client = createClient(fleet.url);
    const photos = await makePhotos(images);
    const dataset = await client.upload(photos);
    const request = {
      dataset,
      model: 'tiny',
      settings: { patch: 16, stride: 1, strategy: 'dense' },
      // What is compared must be stored.
      outputs: allOutputs,
      reuse: false,
    };
    const stage = { fleet, orders, chance, client, dataset, photos, request, isShort, report };
    if (reference.size === 0) await fillReference(stage, reference);
    for (const [index, { faults }] of rounds.entries()) {
      if (performance.now() > deadline) break;
      const round = { stage, faults, images, reference, index };
      outcome.rounds.push(await runRound(round, outcome.happenings));
    }
    const broken = await findRemains(fleet);
    for (const line of broken) report(`  BROKEN: ${line}`);
    outcome.rounds.push({ round: rounds.length, store: kind, faults: ['all of them'], broken });
  } finally {
    await fleet.stop();
  }
  return outcome;
}

/** @typedef {Omit<Scene, 'job'>} Stage */

/**
 * @param {Stage} stage
 * @param {import('./verify.mjs').Digests} reference
 */
async function fillReference({ fleet, client, request, report }, reference) {
  const start = performance.now();
  const job = await client.submit(request);
  await untilEnded(client, job);
  for (const [name, digest] of await digestResults(fleet, job)) reference.set(name, digest);
  await deleteJob(client, job);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  report(`undisturbed: ${reference.size} files in ${seconds} s`);
}

/**
 * Deletes an ended job, since the results of every round together are larger than the trial's disk.
 *
 * @param {ReturnType<typeof createClient>} client
 * @param {string} job
 */
async function deleteJob(client, job) {
  const { status } = await client.request(`/v1/jobs/${job}`, { method: 'DELETE' });
  // A fault deletes its own.
  if (status !== 204 && status !== 404)
    throw new Error(`Expected ${job} to be deleted, got ${status}`);
}

/**
 * @param {ReturnType<typeof createClient>} client
 * @param {string} job
 */
const untilEnded = (client, job) =>
  until(
    `job ${job} to end`,
    async () => ['completed', 'failed', 'cancelled'].includes((await client.status(job)).state),
    { timeoutMs: jobMs, everyMs: 100 },
  );

/**
 * @param {object} options
 * @param {Stage} options.stage
 * @param {readonly Fault[]} options.faults
 * @param {number} options.images
 * @param {import('./verify.mjs').Digests} options.reference
 * @param {number} options.index
 * @param {Happening[]} happenings
 */
async function runRound({ stage, faults, images, reference, index }, happenings) {
  const { fleet, client, report } = stage;
  const names = faults.map(({ name }) => name);
  report(`round ${index} on ${fleet.kind}: ${names.join('; ')}`);
  /** @type {string[]} */
  const broken = [];
  /** @type {Map<string, RegExp>} */
  const mayFail = new Map();
  /** @type {string[]} */
  const jobs = [];
  const submit = async () => {
    // Again, for the API may just have been killed.
    const made = await until('a job to be taken', () => client.submit(stage.request));
    jobs.push(made);
    return made;
  };
  try {
    let job = await submit();
    for (const fault of faults) {
      if (images - (await finishedImages(fleet, job)).size < minImagesLeft) job = await submit();
      await untilMoving(fleet, job);
      const happening = await runFault({ ...stage, job }, fault, { mayFail, broken, submit });
      happenings.push({ ...happening, round: index });
      job = jobs.at(-1) ?? job;
    }
    for (const each of jobs) {
      await untilEnded(client, each);
      broken.push(...(await findBroken(fleet, client, each, { reference, images, mayFail })));
    }
    for (const each of jobs) await deleteJob(client, each);
  } catch (error) {
    broken.push(error instanceof Error ? error.message : String(error));
    await revive(stage);
  }
  for (const line of broken) report(`  BROKEN: ${line}`);
  return { round: index, store: fleet.kind, faults: names, broken };
}

/**
 * @param {import('../trials/fleet.mjs').Fleet} fleet
 * @param {string} job
 */
async function untilMoving(fleet, job) {
  const before = (await finishedImages(fleet, job)).size;
  const isMoving = async () => (await finishedImages(fleet, job)).size > before;
  await until('the job to move', isMoving, { timeoutMs: movingMs });
}

/**
 * @param {Scene} scene
 * @param {Fault} fault
 * @param {{ mayFail: Map<string, RegExp>, broken: string[], submit: () => Promise<string> }} round
 * @returns {Promise<Omit<Happening, 'round'>>}
 */
async function runFault(scene, fault, round) {
  const { fleet, job, report } = scene;
  const held = fault.isAlone ? [] : await heldImages(fleet, job);
  const at = new Date().toISOString();
  const start = performance.now();
  const result = (await fault.run(scene)) ?? {};
  const lastedMs = Math.round(performance.now() - start);
  for (const image of result.mayFail ?? []) round.mayFail.set(image, result.reason ?? /./);
  round.broken.push(...(result.broken ?? []));
  const skipped = result.skipped ?? null;
  const endedAt = performance.now();
  const measure = async () => {
    if (skipped !== null || fault.isAlone) return null;
    // A job that ended meanwhile has no image left to tell of the recovery.
    const isOver = await hasEnded(fleet, job).catch(() => false);
    const waiting = isOver ? await round.submit() : job;
    return measureRecovery(fleet, waiting, { endedAt, held: isOver ? [] : held });
  };
  const [recovery] = await Promise.all([measure(), result.repair?.()]);
  const { name, kills } = fault;
  const how =
    skipped !== null
      ? `skipped: ${skipped}`
      : `lasted ${lastedMs} ms, next image after ${recovery?.firstMs ?? '-'} ms, held ones after ${recovery?.heldMs ?? '-'} ms`;
  report(`  ${at} ${name}: ${how}${result.note === undefined ? '' : ` (${result.note})`}`);
  return {
    ...{ fault: name, store: fleet.kind, at, lastedMs, skipped, recovery },
    ...{ kills: skipped === null ? kills : 0, note: result.note ?? null },
  };
}

/**
 * Brings everything back after a round that did not end, so that the next one begins from a whole service.
 *
 * @param {Stage} stage
 */
async function revive({ fleet, client, report }) {
  await fleet.redis.restart();
  await fleet.redis.client.config('SET', 'maxmemory', '0');
  fleet.proxy?.set('pass');
  for (const member of [fleet.api, ...fleet.workers]) {
    member.signal('SIGCONT');
    await member.start();
  }
  const { data } = await client.ask('/v1/jobs?limit=100');
  for (const { id } of data) await client.request(`/v1/jobs/${id}/cancel`, { method: 'POST' });
  // Whatever stood in the way is there no more.
  await fleet.redis.client.flushall();
  report('  the service was brought back, and its jobs cancelled');
}
