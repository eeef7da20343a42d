import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  composeResult,
  createClassFinder,
  type EngineOptions,
  inputSize,
  inspectImage,
  type OpenModel,
  openEngine,
  prepareImage,
  type ResolvedRun,
  type ResultFiles,
  readBundle,
  readClassNames,
  resolveRun,
  resolveSettings,
} from '@umbra/engine';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { Outputs } from '@umbra/shared/contracts/outputs';
import { overlayView } from '@umbra/shared/contracts/overlay';
import { imageResult } from '@umbra/shared/contracts/result';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import { invalidInput, reportError } from '@umbra/shared/errors';
import { resultFolder } from '@umbra/shared/file-names';
import { imageIdAt } from '@umbra/shared/ids';
import { escapeHidden } from '@umbra/shared/visible-text';
import { dryRun } from '../lib/dry-run.js';
import { type EngineFlags, parseEngineOptions } from '../lib/engine-flags.js';
import { exitCodes } from '../lib/exit-codes.js';
import { findModel } from '../lib/find-model.js';
import { type FoundPhoto, findPhotos } from '../lib/find-photos.js';
import { parseNumber, required } from '../lib/flags.js';
import { printJson } from '../lib/output.js';
import { parseOutputs } from '../lib/outputs-flag.js';
import { maxPixels, readPhoto } from '../lib/photo.js';
import { type PhotoItem, parseItem } from '../lib/photo-item.js';
import { createProgressBar } from '../lib/progress-bar.js';
import { checkOutFolder } from '../lib/result-folder.js';
import { parseSettings, type SettingsFlags } from '../lib/settings-flags.js';
import { formatTable, type Summary, summarise } from '../lib/summary.js';
import { parseView } from '../lib/view.js';

export type ExplainOptions = SettingsFlags &
  EngineFlags & {
    readonly model: string;
    readonly out?: string;
    readonly outputs?: string;
    readonly label?: string;
    readonly box?: string;
    readonly opacity?: string;
    readonly dryRun?: boolean;
    readonly json?: boolean;
  };

type FailedPhoto = { readonly name: string; readonly error: ReturnType<typeof reportError> };

/** Explain photos on this machine; a bad photo is reported and the others go on. */
export async function explain(given: readonly string[], flags: ExplainOptions): Promise<void> {
  const settings = parseSettings(flags);
  const { opacity } = parseView(overlayView, {
    opacity: flags.opacity === undefined ? undefined : parseNumber(flags.opacity),
  });
  const outputs = parseOutputs(flags.outputs ?? 'all');
  const limits = parseEngineOptions(flags);
  const folder = findModel(flags.model);
  const json = flags.json === true;
  // What does not fit the model is found before it is loaded.
  const { bundle } = await readBundle(folder);
  const item = parseItem(flags);
  const errors: FailedPhoto[] = [];
  const fail = (name: string, error: unknown): void => {
    errors.push({ name, error: reportError(error) });
    process.stderr.write(`${escapeHidden(name)}: ${reportError(error).message}\n`);
  };
  const photos = await findPhotos(given, fail);
  if (photos.length + errors.length === 0) {
    throw invalidInput(`Expected photos in '${given.join("', '")}', got none`);
  }
  const assertFits = (classNames: readonly string[] | undefined): void => {
    resolveSettings(settings, bundle, { ...limits, labels: classNames });
    // A photo of a folder has a label of its own, and fails by itself.
    if (settings.target.kind !== 'label' || hasOwnLabel(photos, item)) return;
    const label = required(item.label, '--label CLASS, for --target label');
    createClassFinder(classNames)(label, '--label');
  };
  assertFits(await readClassNames(folder, bundle));
  const out = flags.dryRun ? '' : resolve(required(flags.out, '--out DIR'));
  if (!flags.dryRun) await checkOutFolder(out);
  const startedAt = performance.now();
  const images: Summary[] = [];
  const engine = openEngine(limits);
  try {
    const next = flags.dryRun ? undefined : await findNextRun(photos, bundle, { settings, limits });
    const model = await engine.open(folder, next);
    // A model without class names tells only now how many classes it has.
    assertFits(model.labels);
    if (flags.dryRun) {
      const paths = photos.map(({ path }) => path);
      return await dryRun(model, { photos: paths, settings, json });
    }
    for (const [index, photo] of photos.entries()) {
      try {
        images.push(
          await explainPhoto(
            { model, settings, outputs, item, out, limits, opacity },
            photo,
            index,
          ),
        );
      } catch (error) {
        fail(photo.path, error);
      }
    }
  } finally {
    await engine.close();
  }
  if (images.length > 0) {
    process.stderr.write(`\n${formatTable(images)}\n\nHeatmaps: ${out}\n`);
  }
  if (errors.length > 0) {
    process.stderr.write(`${images.length} of ${photos.length} photos explained\n`);
    process.exitCode = exitCodes.failed;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  if (json) printJson({ images, errors, seconds });
}

const hasOwnLabel = (photos: readonly FoundPhoto[], { label }: PhotoItem): boolean =>
  label === undefined && photos.some((photo) => photo.label !== undefined);

/** The run of the first photo, to be made ready while the model loads; undefined if it cannot be read. */
async function findNextRun(
  [first]: readonly FoundPhoto[],
  bundle: ModelBundle,
  { settings, limits }: { readonly settings: OcclusionSettings; readonly limits: EngineOptions },
): Promise<ResolvedRun | undefined> {
  if (first === undefined) return undefined;
  try {
    const info = await inspectImage(await readPhoto(first.path), { maxPixels });
    return resolveRun(settings, bundle, inputSize(bundle.input, info), limits);
  } catch {
    // Explaining it reports why.
    return undefined;
  }
}

/** What holds for every photo of one call. */
type Explanation = {
  readonly limits: EngineOptions;
  readonly model: OpenModel;
  readonly settings: OcclusionSettings;
  readonly outputs: Outputs;
  readonly item: PhotoItem;
  /** Folder of the results. */
  readonly out: string;
  /** Opacity of overlays. */
  readonly opacity: number;
};

async function explainPhoto(
  { model, settings, outputs, item, out, limits, opacity }: Explanation,
  { path, name, ...found }: FoundPhoto,
  index: number,
): Promise<Summary> {
  const photo = await readPhoto(path);
  const { width, height } = await inspectImage(photo, { maxPixels });
  const input = await prepareImage(photo, model.bundle.input, { maxPixels, ...limits });
  const resolved = model.resolve(settings, input);
  const { positions } = resolved.plan;
  const bar = createProgressBar(escapeHidden(name));
  const label = item.label ?? found.label;
  const run = await model.occlude(input, resolved, {
    ...{ box: item.box, label },
    onProgress: (done) => bar.update({ done, total: positions }),
  });
  bar.end();
  const id = imageIdAt(index);
  const sha256 = createHash('sha256').update(photo).digest('hex');
  const files = await composeResult({
    photo,
    image: {
      ...{ id, name, sha256, width, height },
      ...(label !== undefined && { label }),
    },
    model,
    settings,
    run,
    provenance: run.provenance,
    opacity,
    outputs,
  });
  const folder = join(out, resultFolder({ id, name }));
  await writeResult(folder, files);
  const result = imageResult.parse(JSON.parse(String(files.get('result.json'))));
  return summarise(result, folder);
}

/** Write every file of a result; its description comes last, since its presence means done. */
async function writeResult(folder: string, files: ResultFiles): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
}
