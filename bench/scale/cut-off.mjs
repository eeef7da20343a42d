// Two workers, one of them on a host of its own that loses its network in the middle of a job and gets it back. The job
// must end, and every score must equal the engine's own.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { decodeFloats, openEngine, prepareImage } from '@umbra/engine';
import { queueNames, redisPrefix } from '@umbra/platform/queues/names';
import { Redis } from 'ioredis';
import { startS3Server } from '../../scripts/lib/s3.mjs';
import { startFleet } from './fleet.mjs';
import { makeFarHost, whyNoNamespace } from './namespace.mjs';
import { cutPhotos } from './photos.mjs';
import { runJob, unseenSettings } from './run-job.mjs';

const model = 'efficientnet-lite0';
const lockMs = 2_000;
/** Longer than a lock: by then the other worker must have taken over the unfinished shards. */
const cutMs = 6_000;
/** Max difference of a probability that another order of summation may cause. */
const tolerance = 1e-5;

/**
 * @param {{ root: string, quick: boolean, dir: string, report: (message: string) => void }} options
 */
export async function measureCutOff({ root, quick, dir, report }) {
  const why = whyNoNamespace();
  if (why !== null) {
    report(`scale: no worker is cut off: ${why}`);
    return { skipped: why };
  }
  /** @type {(() => Promise<void>)[]} */
  const stops = [];
  try {
    const far = await makeFarHost();
    stops.push(far.stop);
    const { fleet, away } = await startHosts(dir, far, stops);
    const photos = await cutPhotos({ root, dir: join(dir, 'photos'), count: quick ? 24 : 32 });
    const settings = unseenSettings();
    const run = await runDisturbed({ fleet, away, far, photos, settings });
    const compared = await compareScores({ root, fleet, photos, settings, jobId: run.id });
    const { id: _id, ...figures } = run;
    report(
      `scale: cut off for ${cutMs / 1000} s in the middle: ${photos.length} photos in ${run.seconds.toFixed(1)} s, ${run.takenOver} shards taken over, ${run.shardsAfterReturn} shards by the worker that came back, largest difference ${compared.maxAbsDiff.toExponential(1)}`,
    );
    return { photos: photos.length, cutSeconds: cutMs / 1000, ...figures, ...compared };
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/**
 * @param {string} dir
 * @param {import('./namespace.mjs').FarHost} far
 * @param {(() => Promise<void>)[]} stops
 */
async function startHosts(dir, far, stops) {
  const s3 = await startS3Server({ dir: join(dir, 's3') });
  if (s3 === null) throw new Error('Expected an S3 server: hosts share only the network');
  stops.push(s3.stop);
  await makeBucket(s3);
  const env = {
    UMBRA_STORE: 's3',
    UMBRA_S3_ENDPOINT: s3.endpoint,
    UMBRA_S3_BUCKET: s3.bucket,
    UMBRA_S3_PREFIX: `cut-off-${process.pid}/`,
    UMBRA_S3_REGION: s3.region,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    UMBRA_LOCK_MS: String(lockMs),
  };
  const fleet = await startFleet({ dir, env });
  stops.push(fleet.stop);
  await fleet.startWorker({ core: 0 });
  const redis = new URL(fleet.redisUrl);
  redis.host = await far.reach(Number(redis.port || 6379));
  const endpoint = new URL(s3.endpoint);
  const away = await fleet.startWorker({
    core: 1,
    within: far.within,
    metrics: false,
    env: {
      REDIS_URL: redis.href,
      UMBRA_S3_ENDPOINT: `http://${await far.reach(Number(endpoint.port || 80))}`,
      UMBRA_CACHE_DIR: join(dir, 'far-cache'),
      // At this level, each shard logs a line with its time.
      UMBRA_LOG_LEVEL: 'debug',
    },
  });
  return { fleet, away };
}

/** @param {import('../../scripts/lib/s3.mjs').S3Server} s3 */
async function makeBucket({ endpoint, region, accessKeyId, secretAccessKey, bucket }) {
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials });
  await client.send(new CreateBucketCommand({ Bucket: bucket })).catch((error) => {
    if (!String(error.name).startsWith('BucketAlready')) throw error;
  });
  client.destroy();
}

/**
 * @param {{ fleet: import('./fleet.mjs').Fleet, away: import('./fleet.mjs').PinnedWorker,
 *   far: import('./namespace.mjs').FarHost, photos: string[],
 *   settings: import('@umbra/shared/contracts/settings').OcclusionSettings }} options
 */
async function runDisturbed({ fleet, away, far, photos, settings }) {
  const warm = await fleet.upload(photos.slice(0, 4));
  await runJob(fleet, { dataset: warm.id, images: 4, model, settings: unseenSettings() });
  const dataset = await fleet.upload(photos);
  /** @type {(() => void) | undefined} */
  let begin;
  const begun = new Promise((done) => {
    begin = () => done(undefined);
  });
  const running = runJob(fleet, {
    ...{ dataset: dataset.id, images: photos.length, model, settings },
    onProgress: (done) => done >= 2 && begin?.(),
  });
  running.catch(() => begin?.());
  await begun;
  const before = await countStalled(fleet.redisUrl);
  far.cut();
  await sleep(cutMs);
  far.mend();
  const mendedAt = Date.now();
  const { id, seconds } = await running;
  const takenOver = (await countStalled(fleet.redisUrl)) - before;
  const shardsAfterReturn = countShards(away.output(), mendedAt);
  if (takenOver === 0) throw new Error('Expected shards to be taken over while a worker was away');
  if (shardsAfterReturn === 0) throw new Error('Expected the worker that came back to do shards');
  return { id, seconds, takenOver, shardsAfterReturn };
}

/** @param {string} url */
async function countStalled(url) {
  const redis = new Redis(url);
  const names = [queueNames.shard, queueNames.merge];
  const events = await Promise.all(
    names.map((name) => redis.xrange(`${redisPrefix}:${name}:events`, '-', '+')),
  );
  redis.disconnect();
  return events.flat().filter(([, fields]) => fields[1] === 'stalled').length;
}

/**
 * @param {string} output lines of JSON, the oldest of which may be cut
 * @param {number} sinceMs
 */
function countShards(output, sinceMs) {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{') && line.includes('"shard scored"'))
    .filter((line) => JSON.parse(line).time > sinceMs).length;
}

/**
 * @param {{ root: string, fleet: import('./fleet.mjs').Fleet, photos: string[], jobId: string,
 *   settings: import('@umbra/shared/contracts/settings').OcclusionSettings }} options
 */
async function compareScores({ root, fleet, photos, settings, jobId }) {
  const engine = openEngine({ inferenceThreads: availableParallelism() });
  let maxAbsDiff = 0;
  try {
    const open = await engine.open(join(root, 'models', model));
    const listed = await fetch(`${fleet.url}/v1/jobs/${jobId}/images?limit=200`);
    const { data } = /** @type {{ data: { id: string }[] }} */ (await listed.json());
    if (data.length !== photos.length) throw new Error(`Expected all images, got ${data.length}`);
    for (const [index, { id }] of data.entries()) {
      const input = await prepareImage(readFileSync(photos[index] ?? ''), open.bundle.input);
      const { scores } = await open.occlude(input, open.resolve(settings, input));
      const alone = scores[0] ?? new Float32Array();
      const answer = await fetch(`${fleet.url}/v1/jobs/${jobId}/images/${id}/scores.npy`);
      const bytes = Buffer.from(await answer.arrayBuffer());
      const served = decodeFloats(bytes.subarray(bytes.length - 4 * alone.length));
      for (const [at, value] of alone.entries()) {
        const difference = Math.abs(value - (served[at] ?? Number.NaN));
        // The negated comparison also catches NaN, which Math.max would hide.
        if (!(difference <= tolerance)) {
          throw new Error(`Expected ${value} for ${photos[index]} at ${at}, got ${served[at]}`);
        }
        maxAbsDiff = Math.max(maxAbsDiff, difference);
      }
    }
  } finally {
    await engine.close();
  }
  return { maxAbsDiff };
}
