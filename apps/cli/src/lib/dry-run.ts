import {
  estimateRun,
  inputSize,
  inspectImage,
  type OpenModel,
  type RunEstimate,
} from '@umbra/engine';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import { reportError } from '@umbra/shared/errors';
import { escapeHidden } from '@umbra/shared/visible-text';
import { formatMacs } from './format-macs.js';
import { printJson } from './output.js';
import { maxPixels, readPhoto } from './photo.js';
import { alignColumns } from './summary.js';

export type DryRun = {
  /** Files of photos. */
  readonly photos: readonly string[];
  readonly settings: OcclusionSettings;
  readonly json: boolean;
};

type Estimated = { readonly name: string } & RunEstimate;

/** Print what explaining photos would take. */
export async function dryRun(model: OpenModel, { photos, settings, json }: DryRun): Promise<void> {
  const errors: { name: string; error: ReturnType<typeof reportError> }[] = [];
  const images: Estimated[] = [];
  /** Estimates by the input's extent: photos of one extent take the same. */
  const known = new Map<string, Promise<RunEstimate>>();
  for (const name of photos) {
    try {
      const size = inputSize(
        model.bundle.input,
        await inspectImage(await readPhoto(name), { maxPixels }),
      );
      const key = `${size.height}x${size.width}`;
      const estimate = known.get(key) ?? estimateRun(model, model.resolve(settings, size));
      known.set(key, estimate);
      images.push({ name, ...(await estimate) });
    } catch (error) {
      errors.push({ name, error: reportError(error) });
      process.stderr.write(`${escapeHidden(name)}: ${reportError(error).message}\n`);
    }
  }
  const total = addEstimates(images);
  if (images.length > 0) process.stderr.write(`\n${formatEstimates(images, total)}\n`);
  if (json) printJson({ estimate: total, images, errors });
  if (errors.length > 0) process.exitCode = 1;
}

/** Photos follow each other: times add up, memory does not. */
function addEstimates(images: readonly RunEstimate[]): RunEstimate {
  const sum = (pick: (one: RunEstimate) => number) =>
    images.reduce((total, one) => total + pick(one), 0);
  return {
    positions: sum((one) => one.positions),
    passes: sum((one) => one.passes),
    macs: images.reduce<number | null>(
      (total, { macs }) => (total === null || macs === null ? null : total + macs),
      0,
    ),
    seconds: sum((one) => one.seconds),
    memoryBytes: Math.max(0, ...images.map((one) => one.memoryBytes)),
  };
}

function formatEstimates(images: readonly Estimated[], total: RunEstimate): string {
  const cells = ({ name, positions, passes, macs, seconds, memoryBytes }: Estimated) => [
    name,
    String(positions),
    String(passes),
    formatMacs(macs),
    seconds.toFixed(1),
    `${Math.round(memoryBytes / 1024 ** 2)}`,
  ];
  return alignColumns([
    ['photo', 'positions', 'forward passes', 'multiply-adds', 'seconds here', 'memory (MiB)'],
    ...images.map(cells),
    cells({ name: 'all', ...total }),
  ]);
}
