// `npm run check:images`: checks the images `api` and `worker` without a container engine. Every instruction of the
// Dockerfile is replayed in a clean Debian root. Then both run as in the manifests, with a read-only root, as their
// user, without capabilities, and explain a photo together.

import { spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseDockerfile } from './lib/dockerfile.mjs';
import { buildStage, confine, makeBase, whyNoRoots } from './lib/image-root.mjs';
import { startRedis } from './lib/redis.mjs';
import { CommandError, freePort, repoRoot, runMain, step } from './lib/run.mjs';
import { startProcess } from './lib/server.mjs';

const targets = ['api', 'worker'];
/** Versions that replace the tag in the Dockerfile: the nearest in npm's registry. */
const versions = { node: '22', npm: '10' };
const baseImage = 'node:22';

await runMain(async () => {
  const why = await whyNoRoots();
  if (why !== null) {
    step(`skipped: ${why}`);
    return 0;
  }
  const dir = mkdtempSync(join(tmpdir(), 'umbra-images-'));
  /** @type {(() => Promise<void>)[]} */
  const stops = [];
  try {
    const images = await buildImages(dir);
    await runTogether(images, dir, stops);
  } finally {
    for (const stop of stops.reverse()) await stop();
    rmSync(dir, { recursive: true, force: true });
  }
  step('the images api and worker are built, start read-only and unprivileged, and do a job');
  return 0;
});

/** @param {string} dir */
async function buildImages(dir) {
  const base = await makeBase(join(repoRoot, '.cache', 'images'), versions);
  const stages = parseDockerfile(readFileSync(join(repoRoot, 'Dockerfile'), 'utf8'));
  /** @type {Map<string, import('./lib/image-root.mjs').Built>} */
  const built = new Map();
  /** @param {string} name */
  const build = (name) => {
    const stage = stages.get(name);
    if (stage === undefined || built.has(name)) return;
    if (!stage.base.startsWith(baseImage)) build(stage.base);
    for (const { flags } of stage.instructions) build(flags.from ?? '');
    const parent = built.get(stage.base);
    built.set(name, buildStage(stage, parent?.root ?? base, parent, built, join(dir, name)));
  };
  for (const target of targets) build(target);
  for (const target of targets) {
    const image = built.get(target);
    const size = spawnSync('du', ['-sm', join(image?.root ?? '', 'umbra')], { encoding: 'utf8' });
    step(`${target}: ${size.stdout.split('\t')[0]} MiB beside its base`);
  }
  return built;
}

/**
 * @param {ReadonlyMap<string, import('./lib/image-root.mjs').Built>} images
 * @param {string} dir
 * @param {(() => Promise<void>)[]} stops
 */
async function runTogether(images, dir, stops) {
  const redis = await startRedis({ dir: join(dir, 'redis') });
  stops.push(redis.stop);
  const data = join(dir, 'data');
  mkdirSync(data);
  chownSync(data, 1000, 1000);
  const port = await freePort();
  const ports = { api: await freePort(), worker: await freePort() };
  const given = {
    REDIS_URL: redis.url,
    UMBRA_HOST: '127.0.0.1',
    UMBRA_PORT: String(port),
    UMBRA_AUTH: 'none',
  };
  for (const target of /** @type {const} */ (['api', 'worker'])) {
    const image = images.get(target);
    if (image === undefined) throw new CommandError(`Expected a target ${target}`, 1);
    const env = { ...image.env, ...given, UMBRA_METRICS_PORT: String(ports[target]) };
    const [program, args] = confine(image, { '/data': data }, image.command);
    const child = startProcess(program, args, { env });
    stops.push(child.stop);
    // The image's own health check, with the ports of this machine.
    const check = image.healthcheck.map((part) =>
      part.replace('8080', String(port)).replace('9464', String(ports[target])),
    );
    const isHealthy = () => {
      const [probe, probeArgs] = confine(image, { '/data': data }, check.slice(0));
      return spawnSync(probe, probeArgs, { env: { ...process.env, ...env } }).status === 0;
    };
    await until(`${target} to be healthy`, isHealthy, child);
    assertReadOnly(image, data);
    step(`${target}: healthy, with a read-only root, as uid ${uidOf(child.pid)}`);
  }
  await explainPhoto(`http://127.0.0.1:${port}`);
}

/**
 * @param {import('./lib/image-root.mjs').Built} image
 * @param {string} data
 */
function assertReadOnly(image, data) {
  const [program, args] = confine(image, { '/data': data }, [
    ...[
      'sh',
      '-c',
      '! touch /umbra/x 2>/dev/null && ! touch /x 2>/dev/null && touch /tmp/x /data/x',
    ],
  ]);
  if (spawnSync(program, args).status !== 0) {
    throw new CommandError('Expected only /data and /tmp to be writable', 1);
  }
}

/** @param {number | undefined} pid */
function uidOf(pid) {
  return /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
}

/** @param {string} url */
async function explainPhoto(url) {
  const form = new FormData();
  const photo = readFileSync(join(repoRoot, 'samples', 'photos', 'cat.jpg'));
  form.append('images', new Blob([new Uint8Array(photo)]), 'cat.jpg');
  const dataset = await readJson(await fetch(`${url}/v1/datasets`, { method: 'POST', body: form }));
  const job = await readJson(
    await fetch(`${url}/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        ...{ dataset: dataset.id, model: 'efficientnet-lite0', settings: { stride: 32 } },
      }),
    }),
  );
  await until('the job to end', async () => {
    const { state, counts } = await readJson(await fetch(`${url}/v1/jobs/${job.id}`));
    if (state === 'completed' && counts.completed === 1) return true;
    if (['completed', 'failed', 'cancelled', 'expired'].includes(state)) {
      throw new CommandError(`Expected the photo to be explained, got ${state}`, 1);
    }
    return false;
  });
}

/** @param {Response} response */
async function readJson(response) {
  const text = await response.text();
  if (!response.ok) throw new CommandError(`Expected a success, got ${response.status} ${text}`, 1);
  return JSON.parse(text);
}

/**
 * @param {string} what
 * @param {() => boolean | Promise<boolean>} isDone
 * @param {import('./lib/server.mjs').ServerProcess} [process]
 */
async function until(what, isDone, process) {
  for (const deadline = Date.now() + 120_000; Date.now() < deadline; await sleep(250)) {
    const how = process?.ended();
    if (how !== undefined) throw new CommandError(`${what}: ${how}\n${process?.output()}`, 1);
    if (await isDone()) return;
  }
  throw new CommandError(`Expected ${what}\n${process?.output() ?? ''}`, 1);
}
