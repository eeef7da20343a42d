// An installation that is killed while it has work of every kind.
import { addTenant, startReceiver, tenant } from './accounts.mjs';
import { dumpRedis, formatDump } from './dump-redis.mjs';
import { connect, until } from './http.mjs';
import { countQueued, holdImages, isSpilling, setPace, trimEvents } from './queue.mjs';
import { beginDataset, jobs, listPhotos, makeDatasets } from './work.mjs';

/** @typedef {import('./work.mjs').Photo} Photo */

const isIn = (/** @type {string} */ state) => (/** @type {any} */ record) => record.state === state;
const hourMs = 3_600_000;

/**
 * @param {any} shared
 * @param {import('./checkout.mjs').Installation} installation
 * @param {readonly Photo[]} photos
 * @param {Buffer} archive a tar of some more
 */
export async function runKilled(shared, installation, photos, archive) {
  const { store, redis } = installation;
  const receiver = await startReceiver();
  const { hook } = receiver;
  const keys = await addTenant(shared, store);
  const client = connect(installation.url, keys.submit);
  /** @type {Record<string, string>} */
  const datasets = {};
  /** @type {Record<string, string>} ids by name */
  const made = {};
  const submit = async (/** @type {keyof typeof jobs} */ name, more = {}, headers = {}) => {
    const body = { ...jobs[name], dataset: datasets[jobs[name].dataset], ...more };
    made[name] = (await client.json('/jobs', body, headers)).id;
  };
  const untilIn = (/** @type {string} */ name, /** @type {string} */ state) =>
    client.until(`/jobs/${made[name]}`, isIn(state));
  const queued = (/** @type {string} */ queue, /** @type {'delayed' | 'prioritized'} */ state) =>
    countQueued(shared, redis, queue, state);

  /** Whatever has ended. */
  async function finish() {
    const worker = await installation.startWorker();
    Object.assign(datasets, await makeDatasets(client, photos));
    const nothing = await client.lines('/datasets', [{ name: 'none', sha256: '0'.repeat(64) }]);
    datasets.failed = nothing.id;
    await client.until(`/datasets/${datasets.failed}`, isIn('failed'));
    const request = { ...jobs.completed, dataset: datasets.pair, webhook: hook };
    const key = 'fixture-1';
    await submit('completed', request, { 'idempotency-key': key });
    await untilTold('completed');
    await submit('partly', { webhook: hook });
    await untilTold('partly');
    const question = { type: 'image/png', body: photos[5]?.bytes };
    const path = '/explain?model=whole&settings={"patch":16}';
    made.explained = (await client.call('POST', path, question)).job;
    const { completedAt } = await untilIn('explained', 'completed');
    await worker.stop();
    const explainedUntil = new Date(Date.parse(completedAt) + hourMs).toISOString();
    return { idempotency: { key, request }, explainedUntil };
  }
  async function untilTold(/** @type {string} */ name) {
    await untilIn(name, 'completed');
    const isPosted = (/** @type {any} */ { data }) => data[0]?.attempts.length === 1;
    await client.until(`/jobs/${made[name]}/deliveries`, isPosted);
  }

  /** Whatever is at work: this worker writes no archives, and others hold some images. */
  async function putToWork() {
    const hold = (/** @type {keyof typeof jobs} */ name, /** @type {number[]} */ indexes) =>
      holdImages(shared, installation, name, datasets[jobs[name].dataset] ?? '', indexes);
    const held = await hold('running', [2, 3, 4, 5]);
    const others = [...(await hold('cancelled', [0, 1])), ...(await hold('tfjs', [0]))];
    await submit('paused');
    await client.post(`/jobs/${made.paused}/pause`);
    await setPace(shared, redis);
    const worker = await installation.startWorker('dispatch,shard,merge,webhook');
    for (const name of /** @type {const} */ (['running', 'cancelled', 'tfjs', 'finalizing'])) {
      await submit(name);
    }
    await client.until(`/jobs/${made.running}`, ({ counts }) => counts.completed === 2);
    await untilIn('finalizing', 'finalizing');
    await untilIn('paused', 'paused');
    // Four shards of each of `running`'s images, and one of each of `cancelled`'s.
    await until('the held shards', async () => (await queued('shard', 'delayed')) === 4 * 4 + 2);
    await until('those of TensorFlow.js', async () => (await queued('shard-tfjs', 'delayed')) > 0);
    await worker.stop();
    return [...held, ...others];
  }

  /** An image that has all its shards and no merge, and one that has one shard of two. */
  async function stopHalfway(/** @type {string} */ held) {
    await setPace(shared, redis);
    const worker = await installation.startWorker('dispatch,shard');
    await redis.del(held);
    await until('an image to be merged', async () => (await queued('merge', 'prioritized')) > 0);
    await submit('spilling');
    const isHalfway = () => isSpilling(shared, redis, made.spilling ?? '');
    await until('a shard to be spilled and the next to be at work', isHalfway, 1);
    worker.kill('SIGSTOP');
    if (await isHalfway()) return worker;
    throw new Error('The shard was faster than this script: run it again');
  }

  /** Whatever is asked for while nobody works. */
  async function ask() {
    const six = datasets.six ?? '';
    await client.post(`/jobs/${made.cancelled}/cancel`);
    await client.post(`/jobs/${made.partly}/retry`);
    await submit('queued');
    datasets.listed = await listPhotos(client, six, photos.slice(0, 2));
    await submit('validating');
    const open = await beginDataset(client, six, photos, archive);
    datasets.open = open.id;
    return open;
  }

  const done = await finish();
  const held = await putToWork();
  const worker = await stopHalfway(held[0] ?? '');
  const open = await ask();
  await redis.del(...held);
  await trimEvents(shared, redis);
  const dump = formatDump(await dumpRedis(redis));
  worker.kill('SIGKILL');
  installation.kill();
  receiver.stop();
  /** @type {Record<string, string>} */
  const states = {};
  for (const [name, id] of Object.entries(made)) {
    states[name] = JSON.parse((await store.get(shared.keys.job(tenant, id))).toString()).state;
  }
  return { made, states, dump, facts: { tenant, keys, datasets, open, ...done, webhook: hook } };
}
