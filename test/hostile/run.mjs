// The trial of bad inputs: a real API and a worker, which must be as they were afterwards.
import { readdirSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApiKey } from '@umbra/platform/tenancy/api-keys';
import { createChance } from '../trials/chance.mjs';
import { createClient } from '../trials/client.mjs';
import { startFleet } from '../trials/fleet.mjs';
import { makePhotos } from '../trials/photos.mjs';
import { folderBytes, sampleProcess } from '../trials/sample.mjs';
import { until } from '../trials/until.mjs';
import { badArchives } from './archives.mjs';
import { badForms } from './forms.mjs';
import { badHeaders } from './headers.mjs';
import { badImages } from './images.mjs';
import { badModels } from './models.mjs';
import { badCursors, badIds, badJson, badLines, badWebhooks } from './requests.mjs';
import { createSender } from './send.mjs';

/** @typedef {import('./case.mjs').Generator} Generator */
/** @typedef {{ kind: string, name: string, index: number, reason: string }} Failure */

/** Share of the inputs that each kind has; a check of a model takes seconds, the others milliseconds. */
const shares = {
  images: 0.12,
  archives: 0.09,
  forms: 0.1,
  json: 0.2,
  headers: 0.12,
  ids: 0.13,
  cursors: 0.1,
  lines: 0.08,
  webhooks: 0.045,
  models: 0.015,
};
export const kinds = Object.keys(shares);

const atOnce = 6;
/** What caches, compiled code and the heap's own growth may take. */
const maxGrowthMb = 200;
const maxMoreHandles = 16;
const maxTemporaryBytes = 1024 * 1024;
const settleMs = 60_000;

/**
 * @param {object} options
 * @param {string} options.dir
 * @param {number} options.seed
 * @param {number} options.count
 * @param {readonly string[]} options.only
 * @param {(message: string) => void} options.report
 */
export async function runHostile({ dir, seed, count, only, report }) {
  const start = performance.now();
  const chance = createChance(seed);
  const canary = await startCanary();
  const fleet = await startFleet({
    ...{ dir, kind: 'fs', workers: 1, draw: chance.next },
    envOf: () => ({
      UMBRA_AUTH: 'keys',
      UMBRA_REQUESTS_PER_MINUTE: '1000000',
      UMBRA_BAD_KEYS_PER_MINUTE: '1000000',
      // Small, so that what swells is refused early and the disk of the trial holds it.
      UMBRA_MAX_UPLOAD_BYTES: String(16 * 1024 * 1024),
    }),
  });
  try {
    const key = async (/** @type {string} */ tenant) =>
      (await createApiKey(fleet.truth, { tenant, scopes: ['submit'] })).text;
    const apiKey = await key('hostile');
    const foreignKey = await key('honest');
    const context = await makeContext(fleet, { apiKey, foreignKey, canary: canary.url });
    const secrets = [apiKey, foreignKey, process.env.HOME ?? dir, dir];
    /** @type {Record<string, Record<number, number>>} answers by kind and status */
    const answers = {};
    const senderOf = (/** @type {string} */ kind) => {
      answers[kind] ??= {};
      const own = answers[kind];
      const onAnswer = (/** @type {number} */ status) => {
        own[status] = (own[status] ?? 0) + 1;
      };
      return createSender({ url: fleet.url, apiKey, secrets, onAnswer });
    };
    /** @type {Record<string, Generator>} */
    const generators = {
      images: badImages,
      archives: badArchives,
      forms: badForms,
      json: badJson,
      headers: badHeaders(apiKey),
      ids: badIds,
      cursors: badCursors,
      lines: badLines,
      webhooks: badWebhooks,
      models: badModels(join(dir, 'hostile-models')),
    };
    const kindsNow = only.length === 0 ? kinds : kinds.filter((kind) => only.includes(kind));
    const plan = planKinds(kindsNow, count, chance);
    report(`seed ${seed}: ${plan.length} inputs`);
    /** @type {Failure[]} */
    const failures = [];
    const members = [fleet.api, ...fleet.workers];
    const pids = members.map((member) => member.pid());
    const run = async (/** @type {number} */ from, /** @type {number} */ to) => {
      const queue = plan.slice(from, to).map((kind, at) => ({ kind, index: from + at }));
      const lane = async () => {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          const { kind, index } = next;
          // A chance of its own for each, so that one input is made again without those before it.
          const bad = await generators[kind]?.(createChance(seed * 100_003 + index), context);
          const failed = await bad?.run(senderOf(kind)).then(
            () => null,
            (error) => String(error.message),
          );
          if (bad === undefined || failed === null || failed === undefined) continue;
          failures.push({ kind, name: bad.name, index, reason: failed });
          report(`FAILED ${index} (${kind}: ${bad.name}): ${failed}`);
        }
      };
      await Promise.all(Array.from({ length: atOnce }, lane));
    };
    // Caches and compiled code are there after the first fifth.
    const warm = Math.ceil(plan.length / 5);
    await run(0, warm);
    const before = await settle(fleet, members);
    await run(warm, plan.length);
    const after = await settle(fleet, members);
    const broken = [
      ...members
        .filter((member, at) => member.pid() !== pids[at])
        .map((member) => `${member.name} died: ${member.log().slice(-500)}`),
      ...compareHeld(members, before, after),
      ...findSecrets(members, secrets.slice(0, 2)),
      ...(canary.hits() === 0 ? [] : [`${canary.hits()} requests reached a private address`]),
      ...(await tryHonestJob(fleet, foreignKey)),
    ];
    for (const line of broken) report(`BROKEN: ${line}`);
    for (const [kind, own] of Object.entries(answers)) report(`${kind}: ${JSON.stringify(own)}`);
    const seconds = Math.round((performance.now() - start) / 1000);
    report(
      `seed ${seed}: ${plan.length} inputs, ${failures.length} failed, ${broken.length} promises broken, ${seconds} s`,
    );
    return { seed, inputs: plan.length, seconds, answers, failures, broken, before, after };
  } finally {
    await fleet.stop();
    await canary.stop();
  }
}

/** A server that no webhook may reach. */
async function startCanary() {
  let hits = 0;
  const server = http.createServer((_, response) => {
    hits += 1;
    response.end();
  });
  await new Promise((done) => server.listen(0, () => done(undefined)));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    hits: () => hits,
    stop: () => new Promise((done) => server.close(() => done(undefined))),
  };
}

/**
 * @param {import('../trials/fleet.mjs').Fleet} fleet
 * @param {{ apiKey: string, foreignKey: string, canary: string }} options
 * @returns {Promise<import('./case.mjs').Context>}
 */
async function makeContext({ url }, { apiKey, foreignKey, canary }) {
  const client = createClient(url, apiKey);
  const photos = await makePhotos(1);
  const dataset = await client.upload(photos);
  const { id: open } = await client.ask('/v1/datasets', client.json({}));
  const request = { model: 'tiny', settings: { patch: 16, stride: 16 } };
  const job = await client.submit({ dataset, ...request });
  const honest = createClient(url, foreignKey);
  const foreign = await honest.submit({ dataset: await honest.upload(photos), ...request });
  await until('a job to end', async () => (await client.status(job)).state === 'completed');
  return { dataset, open, job, foreign, canary, photos };
}

/**
 * @param {readonly string[]} wanted
 * @param {number} count
 * @param {import('../trials/chance.mjs').Chance} chance
 */
function planKinds(wanted, count, chance) {
  const all = wanted.reduce((sum, kind) => sum + (Object(shares)[kind] ?? 0), 0);
  return chance.shuffle(
    wanted.flatMap((kind) => {
      const length = Math.ceil((count * (Object(shares)[kind] ?? 0)) / all);
      return Array.from({ length }, () => kind);
    }),
  );
}

/** @typedef {{ members: (import('../trials/sample.mjs').Held | null)[], temporaryBytes: number }} Holding */

/**
 * Waits until what was begun has ended, and tells what is held then.
 *
 * @param {import('../trials/fleet.mjs').Fleet} fleet
 * @param {readonly import('../trials/member.mjs').Member[]} members
 * @returns {Promise<Holding>}
 */
async function settle(fleet, members) {
  const isIdle = async () => {
    const lengths = await Promise.all(
      ['ingest', 'shard', 'shard-tfjs', 'merge', 'archive'].map((queue) =>
        fleet.redis.client.llen(`umbra:${queue}:active`),
      ),
    );
    return lengths.every((length) => length === 0) && readdirSync(fleet.temporary).length === 0;
  };
  await until('the service to be idle', isIdle, { timeoutMs: settleMs, everyMs: 250 }).catch(
    () => undefined,
  );
  await sleep(1_000);
  return {
    members: members.map((member) => sampleProcess(member.pid())),
    temporaryBytes: folderBytes(fleet.temporary),
  };
}

/**
 * @param {readonly import('../trials/member.mjs').Member[]} members
 * @param {Holding} before
 * @param {Holding} after
 * @returns {string[]}
 */
function compareHeld(members, before, after) {
  const grown = members.flatMap(({ name }, at) => {
    const [first, last] = [before.members[at], after.members[at]];
    if (!first || !last) return [];
    return [
      ...(last.rssMb - first.rssMb > maxGrowthMb
        ? [`${name} grew from ${first.rssMb.toFixed(0)} to ${last.rssMb.toFixed(0)} MB`]
        : []),
      ...(last.handles - first.handles > maxMoreHandles
        ? [`${name} had ${first.handles} handles and has ${last.handles}`]
        : []),
    ];
  });
  const bytes = after.temporaryBytes;
  return bytes > maxTemporaryBytes
    ? [...grown, `${bytes} bytes are left in temporary folders`]
    : grown;
}

/**
 * @param {readonly import('../trials/member.mjs').Member[]} members
 * @param {readonly string[]} secrets
 */
const findSecrets = (members, secrets) =>
  members
    .filter((member) => secrets.some((secret) => member.log().includes(secret)))
    .map(({ name }) => `a secret is in the log of ${name}`);

/**
 * @param {import('../trials/fleet.mjs').Fleet} fleet
 * @param {string} apiKey
 * @returns {Promise<string[]>} why the service no longer does what it is for
 */
async function tryHonestJob({ url }, apiKey) {
  try {
    const client = createClient(url, apiKey);
    const dataset = await client.upload(await makePhotos(2, 5));
    const job = await client.submit({ dataset, model: 'tiny', settings: { patch: 16, stride: 8 } });
    const isDone = async () => (await client.status(job)).counts.completed === 2;
    await until('an honest job to be completed', isDone, { timeoutMs: settleMs });
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}
