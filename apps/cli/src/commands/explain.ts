import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  allowedStrategy,
  composeResult,
  inspectImage,
  type OpenModel,
  openEngine,
  planOcclusion,
  prepareImage,
} from '@umbra/engine';
import { imageResult } from '@umbra/shared/contracts/result';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import { invalidInput, reportError } from '@umbra/shared/errors';
import { imageIdAt } from '@umbra/shared/ids';
import { dryRun, readPhoto } from '../lib/dry-run.js';
import { engineFlags, engineOptions, engineUsage } from '../lib/engine-flags.js';
import { findModel } from '../lib/find-model.js';
import { type PhotoItem, parseItem } from '../lib/photo-item.js';
import { createProgressBar } from '../lib/progress-bar.js';
import { parseSettings, settingsFlags, settingsUsage } from '../lib/settings-flags.js';
import { formatTable, type Summary, summarise } from '../lib/summary.js';

export const explainUsage = `  umbra explain PHOTO... --model NAME|DIR --out DIR [options]
      run the engine here, without a queue
${settingsUsage}
      --label INDEX|NAME      what the photos show, for --target label
      --box X,Y,WIDTH,HEIGHT  where, px of the photo: --faithfulness then plays the pointing game
${engineUsage}
      --dry-run               only say what the run would take; needs no --out
      --json                  print one JSON object last`;

const maxPixels = 100_000_000;

/** Explain photos on this machine; a bad photo is reported and the others go on. */
export async function explain(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...settingsFlags,
      ...engineFlags,
      model: { type: 'string', default: 'efficientnet-lite0' },
      out: { type: 'string' },
      label: { type: 'string' },
      box: { type: 'string' },
      'dry-run': { type: 'boolean' },
      json: { type: 'boolean' },
    },
  });
  if (positionals.length === 0) throw invalidInput('Expected at least one PHOTO, got none');
  const settings = parseSettings(values);
  const options = engineOptions(values);
  allowedStrategy(settings.strategy, options);
  const engine = openEngine(options);
  if (values['dry-run']) {
    const model = findModel(values.model);
    return await dryRun(engine, model, positionals, settings, values.json === true);
  }
  if (values.out === undefined) throw invalidInput('Expected --out DIR, got none');
  const out = resolve(values.out);
  const item = parseItem(values);
  const startedAt = performance.now();
  const images: Summary[] = [];
  const errors: { name: string; error: ReturnType<typeof reportError> }[] = [];
  try {
    const model = await engine.open(findModel(values.model));
    for (const [index, path] of positionals.entries()) {
      try {
        images.push(await explainPhoto(model, settings, path, index, out, item));
      } catch (error) {
        errors.push({ name: path, error: reportError(error) });
        process.stderr.write(`${path}: ${reportError(error).message}\n`);
      }
    }
  } finally {
    await engine.close();
  }
  if (images.length > 0) process.stderr.write(`\n${formatTable(images)}\n\n`);
  process.stderr.write(`Heatmaps: ${out}\n`);
  if (values.json) {
    const seconds = (performance.now() - startedAt) / 1000;
    process.stdout.write(`${JSON.stringify({ images, errors, seconds })}\n`);
  }
  if (errors.length > 0) process.exitCode = 1;
}

async function explainPhoto(
  model: OpenModel,
  settings: OcclusionSettings,
  path: string,
  index: number,
  out: string,
  item: PhotoItem,
): Promise<Summary> {
  const photo = await readPhoto(path);
  const { width, height } = await inspectImage(photo, { maxPixels });
  const input = await prepareImage(photo, model.bundle.input, { maxPixels });
  const { positions } = planOcclusion(input, settings);
  const bar = createProgressBar(basename(path));
  const run = await model.occlude(input, settings, {
    ...item,
    onProgress: (done) => bar.update(done, positions, null),
  });
  bar.end();
  const files = await composeResult({
    photo,
    image: {
      id: imageIdAt(index),
      name: basename(path),
      sha256: createHash('sha256').update(photo).digest('hex'),
      width,
      height,
    },
    model,
    settings,
    run,
    provenance: run.provenance,
  });
  const folder = join(out, `${basename(path, extname(path))}__${imageIdAt(index)}`);
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
  const result = imageResult.parse(JSON.parse(String(files.get('result.json'))));
  return summarise(result, folder);
}
