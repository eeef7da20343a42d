// `npm run demo`: from a fresh clone to heatmaps of the sample photos, through the real queue.
//   --keep   leave the service running afterwards, and print its address
//   --json   print one JSON object last, on stdout
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureBuilt, ensureInstalled } from './lib/install.mjs';
import { CommandError, repoRoot, runMain, step } from './lib/run.mjs';
import { startServices } from './lib/services.mjs';

const flags = process.argv.slice(2);
const unknown = flags.filter((flag) => flag !== '--keep' && flag !== '--json');

await runMain(async () => {
  if (unknown.length > 0) {
    throw new CommandError(`Expected --keep or --json, got ${unknown.join(' ')}`, 2);
  }
  await ensureInstalled();
  await ensureBuilt();
  const dir = join(repoRoot, '.umbra', 'demo');
  mkdirSync(dir, { recursive: true });
  const services = await startServices({ dir, report: step });
  const interrupted = onInterrupt();
  try {
    const result = await Promise.race([explainSamples(services.url, dir), interrupted]);
    if (result === undefined) return 130;
    if (flags.includes('--json')) process.stdout.write(`${JSON.stringify(result)}\n`);
    if (flags.includes('--keep')) {
      step(`the service stays up: API=${services.url}, its page ${services.url}/; Ctrl-C ends it`);
      const ended = await Promise.race([firstEnd(services), interrupted]);
      if (ended !== undefined) throw new CommandError(ended, 1);
    }
    const { isAllRight } = await import('@umbra/cli/submit');
    if (!isAllRight(result)) return 1;
  } finally {
    step('stopping the service');
    await services.stop();
    // Exit now and not when the event loop is empty: an abandoned upload or poll may keep it alive.
    setImmediate(() => process.exit());
  }
  return 0;
});

/**
 * @param {string} url
 * @param {string} dir
 */
async function explainSamples(url, dir) {
  const photos = join(repoRoot, 'samples', 'photos');
  const names = readdirSync(photos).filter((name) => /\.(jpe?g|png)$/.test(name));
  const { runSubmission } = await import('@umbra/cli/submit');
  const { formatTable } = await import('@umbra/cli/summary');
  const { allOutputs } = await import('@umbra/shared/contracts/outputs');
  const { occlusionSettings } = await import('@umbra/shared/contracts/settings');
  step(`explaining ${names.length} photos with efficientnet-lite0`);
  const out = join(dir, new Date().toISOString().replaceAll(/[:.]/g, '-'));
  const result = await runSubmission({
    api: url,
    photos: names.map((name) => join(photos, name)),
    model: 'efficientnet-lite0',
    settings: occlusionSettings.parse({}),
    outputs: allOutputs,
    out,
  });
  process.stderr.write(`\n${formatTable(result.images)}\n\n`);
  step(`${result.counts.completed} photos in ${result.seconds.toFixed(1)} s`);
  step(`heatmaps: ${join(out, 'results')}`);
  return result;
}

/**
 * Waits until a process of the service has ended.
 *
 * @param {import('./lib/services.mjs').Services} services
 * @returns {Promise<string>} what became of it
 */
async function firstEnd({ api, workers }) {
  const all = [{ name: 'the API', server: api }].concat(
    workers.map((server) => ({ name: 'a worker', server })),
  );
  for (;;) {
    for (const { name, server } of all) {
      const how = server.ended();
      if (how !== undefined) {
        return `the service is not whole any more: ${name} ${how}\n${server.output()}`.trim();
      }
    }
    await sleep(250);
  }
}

/** @returns {Promise<undefined>} resolves at the first Ctrl-C or SIGTERM */
function onInterrupt() {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => resolve(undefined));
  });
}
