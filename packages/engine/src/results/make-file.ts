import { setImmediate as yieldThread } from 'node:timers/promises';
import { at } from '@umbra/shared/assert';
import type { ResultFile } from '@umbra/shared/contracts/result';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import type { BaselineRun } from '@umbra/shared/contracts/shard';
import { notFound } from '@umbra/shared/errors';
import type { Frame } from '@umbra/shared/occlusion/frame';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import { encodeFloats, npyHeader } from '../encoding/npy.js';
import { type HeatmapText, renderHeatmap } from '../figures/heatmap.js';
import { renderOverlay, renderThumbnail } from '../figures/overlay.js';
import { attribute, maskUncovered, meanMap } from '../occlusion/attribution.js';
import { encodePredictedClasses, encodeScores, type RunArrays, targetShape } from './arrays.js';
import { listResultFiles } from './result-files.js';

/** What every file of a result is made from, whether the run has just ended or was stored long ago. */
export type FileSource = {
  readonly plan: OcclusionPlan;
  readonly settings: Pick<OcclusionSettings, 'score'>;
  /** Whether some scores were interpolated instead of run. */
  readonly approximate: boolean;
  readonly targets: BaselineRun['targets'];
  readonly arrays: RunArrays;
  /** Read the photo's file; only overlays need it. */
  readonly readPhoto: () => Promise<{ readonly photo: Buffer; readonly frame: Frame }>;
  /** Opacity of overlays at the strongest attribution, in [0, 1]; the default for what a job stores. */
  readonly opacity?: number;
};

export type FileMaker = {
  /**
   * Make one file of a result, which is not its description. The same source gives the same bytes.
   *
   * @param signal Ends the work between two maps once nobody needs it.
   * @throws {AppError} `not_found` for a file that this result does not have.
   * @throws The signal's reason.
   */
  make(file: ResultFile, signal?: AbortSignal): Promise<Buffer>;
  /** Attribute a target: the mean over the patch sizes. @returns float32 [height, width] */
  attributionOf(target: number): Promise<Float32Array>;
};

/** Open a result for making its files. One target's map is kept for its next file. */
export function openFileMaker(source: FileSource): FileMaker {
  const { plan, settings, approximate, targets, arrays } = source;
  const { height, width } = plan.image;
  const patches = plan.grids.map(({ patch }) => patch);
  const entries = new Map(
    listResultFiles({ targets: targets.length, patches }).map((entry) => [entry.file, entry]),
  );
  const gridMap = async (target: number, grid: number) => {
    // A large map takes a part of a second, and others wait for this thread.
    await yieldThread();
    const [start, end] = [plan.gridStarts[grid], plan.gridStarts[grid + 1]];
    const scores = at(arrays.scores, target).subarray(start, end);
    return attribute(at(plan.grids, grid), scores, at(targets, target).score);
  };
  const mapOf = keepLast(async (target) => {
    const maps: Float32Array[] = [];
    for (const grid of plan.grids.keys()) maps.push(await gridMap(target, grid));
    return meanMap(maps);
  });
  /** What pictures show: not known where no patch reached. */
  const shownOf = async (target: number) => maskUncovered(plan, await mapOf(target));
  const photoMapOf = async (target: number) => ({
    ...{ height, width, attribution: await shownOf(target) },
    ...(await source.readPhoto()),
  });
  const textOf = (target: number) => heatmapText(at(targets, target), settings, approximate);
  /** Encode maps one by one: all of them at once would take twice the memory of the file. */
  const encodeAttribution = async (
    grid: number | null,
    signal: AbortSignal | undefined,
  ): Promise<Buffer> => {
    const shape = targetShape(targets.length, [height, width]);
    const chunks = [npyHeader('<f4', shape)];
    for (const target of targets.keys()) {
      signal?.throwIfAborted();
      chunks.push(encodeFloats(await (grid === null ? mapOf(target) : gridMap(target, grid))));
    }
    return Buffer.concat(chunks);
  };

  const make: FileMaker['make'] = async (file, signal) => {
    const entry = entries.get(file);
    if (entry === undefined) {
      const known = [...entries.keys()].join(', ');
      throw notFound(`Expected a file of the result (result.json, ${known}), got '${file}'`);
    }
    switch (entry.kind) {
      case 'heatmap':
        return renderHeatmap(await shownOf(entry.target), plan.image, textOf(entry.target));
      case 'overlay': {
        const { target } = entry;
        return renderOverlay(await photoMapOf(target), textOf(target), source.opacity);
      }
      case 'thumbnail':
        return renderThumbnail(await photoMapOf(entry.target), source.opacity);
      case 'attribution':
        return encodeAttribution(entry.grid, signal);
      case 'scores':
        return encodeScores(plan, arrays, entry.grid);
      case 'predicted-classes':
        return encodePredictedClasses(plan, arrays, entry.grid);
    }
  };
  return { make, attributionOf: mapOf };
}

/** Remember what a function has given for the last argument: files of one target follow each other. */
function keepLast<T>(compute: (target: number) => T): (target: number) => T {
  let last: { readonly target: number; readonly value: T } | undefined;
  return (target) => {
    if (last?.target !== target) last = { target, value: compute(target) };
    return last.value;
  };
}

/** Write the words of a target's heatmap. */
export function heatmapText(
  { label, score }: BaselineRun['targets'][number],
  settings: Pick<OcclusionSettings, 'score'>,
  approximate: boolean,
): HeatmapText {
  const unit = `${settings.score} lost (+) or gained (\u2212) when covered`;
  return {
    title: `${label}: ${settings.score} ${score.toFixed(3).replace('-', '\u2212')}`,
    unit: approximate ? `${unit}; approximate` : unit,
  };
}
