// Starts the servers for the tests, once for the whole run.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { startRedis } from '../scripts/lib/redis.mjs';
import { step } from '../scripts/lib/run.mjs';
import { startS3Server } from '../scripts/lib/s3.mjs';

/** @param {import('vitest/node').TestProject} project */
export default async function setup(project) {
  const dir = await mkdtemp(join(tmpdir(), 'umbra-test-'));
  /** @type {(() => Promise<void>)[]} */
  const stops = [];
  const teardown = async () => {
    await Promise.all(stops.map((stop) => stop()));
    await rm(dir, { recursive: true, force: true });
  };

  try {
    let redisUrl = process.env.TEST_REDIS_URL;
    if (redisUrl) {
      step(`Redis: ${new URL(redisUrl).host} (TEST_REDIS_URL)`);
    } else {
      const redis = await startRedis({ dir: join(dir, 'redis') });
      stops.push(redis.stop);
      redisUrl = redis.url;
      step(`Redis: started on ${redis.url}`);
    }
    project.provide('redisUrl', redisUrl);

    const server = await startS3Server({ dir: join(dir, 's3') });
    if (server) {
      const { stop, ...rest } = server;
      const s3 = { ...rest, sourceBucket: `${rest.bucket}-sources` };
      stops.push(stop);
      await ensureBucket(s3, s3.bucket);
      await ensureBucket(s3, s3.sourceBucket);
      step(`S3: ${s3.kind} at ${s3.endpoint}`);
      project.provide('s3', s3);
    } else {
      step('S3: none (no server given, no versitygw, no Go, no emulator); its tests are skipped');
      project.provide('s3', null);
    }
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}

/**
 * @param {import('./provided.d.js').ProvidedS3} s3
 * @param {string} bucket
 */
async function ensureBucket({ endpoint, region, accessKeyId, secretAccessKey }, bucket) {
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
  try {
    // Checked first: credentials for an existing bucket often may not create one.
    await client.send(new HeadBucketCommand({ Bucket: bucket }));
  } catch (error) {
    if (!(error instanceof Error && error.name === 'NotFound')) throw error;
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  } finally {
    client.destroy();
  }
}
