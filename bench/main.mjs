// `npm run bench -- [engine] [refine] [tfjs] [zoo] [transfer] [queue] [scale] [status] [waiting] [rows] [report] [page] [--quick] [--only MODEL,...] [--rows N] [--images N] [--json]`: measurements
// compared with peers in one run. `--quick` takes under three minutes; `--only` names the models of engine and zoo.
import { join } from 'node:path';
import { repoRoot, runMain, step } from '../scripts/lib/run.mjs';

await runMain(async () => {
  const flags = process.argv.slice(2);
  const only = flags.includes('--only') ? (flags[flags.indexOf('--only') + 1] ?? '') : '';
  const rows = flags.includes('--rows') ? flags[flags.indexOf('--rows') + 1] : undefined;
  const images = flags.includes('--images') ? flags[flags.indexOf('--images') + 1] : undefined;
  const values = [only, rows, images];
  const parts = flags.filter((flag) => !flag.startsWith('--') && !values.includes(flag));
  const wants = (/** @type {string} */ part) => parts.length === 0 || parts.includes(part);
  const options = {
    root: join(repoRoot),
    quick: flags.includes('--quick'),
    only: only.split(',').filter((model) => model !== ''),
    report: step,
  };
  /** @type {Record<string, unknown>} */
  const results = {};
  if (wants('engine')) {
    Object.assign(results, await (await import('./engine.mjs')).benchEngine(options));
  }
  if (wants('refine')) {
    results.refine = await (await import('./refine.mjs')).benchRefine(options);
  }
  // WebAssembly takes too long for a quick run.
  if (wants('tfjs') && !(options.quick && parts.length === 0)) {
    Object.assign(results, await (await import('./tfjs.mjs')).benchTfjs(options));
  }
  // PyTorch's best of each network takes minutes to find.
  if (wants('zoo') && !(options.quick && parts.length === 0)) {
    results.zoo = await (await import('./zoo.mjs')).benchZoo(options);
  }
  if (wants('transfer')) {
    results.transfer = await (await import('./transfer.mjs')).benchTransfer(options);
  }
  if (wants('queue')) results.queue = await (await import('./queue.mjs')).benchQueue(options);
  // Takes longer than the limit for a quick run of all parts.
  if (wants('scale') && !(options.quick && parts.length === 0)) {
    results.scale = await (await import('./scale.mjs')).benchScale(options);
  }
  if (parts.includes('status')) {
    results.status = await (await import('./status.mjs')).benchStatus(options);
  }
  if (parts.includes('waiting')) {
    results.waiting = await (await import('./waiting.mjs')).benchWaiting(options);
  }
  if (parts.includes('rows')) {
    const { benchRows } = await import('./rows.mjs');
    results.rows = await benchRows({
      ...options,
      rows: rows === undefined ? undefined : Number(rows),
    });
  }
  if (parts.includes('report')) {
    const { benchReport } = await import('./report.mjs');
    const wanted = images === undefined ? undefined : Number(images);
    results.report = await benchReport({ ...options, images: wanted });
  }
  if (parts.includes('page')) {
    const { benchPage } = await import('./page.mjs');
    results.page = await benchPage({
      ...options,
      rows: rows === undefined ? undefined : Number(rows),
    });
  }
  if (flags.includes('--json')) process.stdout.write(`${JSON.stringify(results)}\n`);
  return 0;
});
