// `npm run bench -- [PART...] [flags]`: measurements compared with peers in one run; `--help` lists parts and flags.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CommandError, repoRoot, runMain, step } from '../scripts/lib/run.mjs';

const usual = ['engine', 'refine', 'tfjs', 'zoo', 'transfer', 'queue', 'scale'];
const known = [...usual, 'status', 'waiting', 'rows', 'report', 'page', 'python'];

const usage = `npm run bench -- [PART...] [--quick] [--only MODEL,...] [--rows N] [--images N] [--json]

parts: ${known.join(' ')}; without one, ${usual.join(' ')}

--quick   under three minutes: smaller, and without tfjs, zoo and scale unless they are named
--only    models of engine and zoo
--rows    rows that rows and page make
--images  images that report makes, or that python explains
--json    print one JSON object last
`;

const flagTypes = /** @type {const} */ ({
  quick: { type: 'boolean', default: false },
  only: { type: 'string', default: '' },
  rows: { type: 'string' },
  images: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
});

await runMain(async () => {
  const { values: flags, positionals: parts } = readArguments();
  if (flags.help) {
    process.stdout.write(usage);
    return 0;
  }
  const { only, rows, images } = flags;
  const wants = (/** @type {string} */ part) => parts.length === 0 || parts.includes(part);
  const options = {
    root: join(repoRoot),
    quick: flags.quick,
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
  if (parts.includes('python')) {
    const { benchPython } = await import('./python.mjs');
    const wanted = images === undefined ? undefined : Number(images);
    results.python = await benchPython({ ...options, images: wanted });
  }
  if (flags.json) process.stdout.write(`${JSON.stringify(results)}\n`);
  return 0;
});

/** @throws {CommandError} Where a part or a flag is not known. */
function readArguments() {
  try {
    const read = parseArgs({ options: flagTypes, allowPositionals: true });
    const strange = read.positionals.find((part) => !known.includes(part));
    if (strange === undefined) return read;
    throw new CommandError(`Expected parts among ${known.join(', ')}, got '${strange}'`, 2);
  } catch (error) {
    if (error instanceof CommandError || !(error instanceof TypeError)) throw error;
    throw new CommandError(error.message, 2);
  }
}
