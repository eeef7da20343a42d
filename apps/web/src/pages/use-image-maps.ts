import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import type { Grid, Size } from '@umbra/shared/occlusion/grid';
import { useEffect, useMemo, useRef } from 'react';
import {
  type ImageGeometry,
  type ImageOfJob,
  type ImageProgress,
  readArray,
  readGeometry,
  readImage,
} from '../api/images.js';
import { isEnded, type JobStatus } from '../api/jobs.js';
import { askEach } from '../api/polling.js';
import { cellsOfArrays, cellsOfPartial, type ScoreCells } from '../heat/cells.js';
import type { NpyArray } from '../lib/npy.js';
import { withBandsOf } from '../lib/partial-bands.js';
import { scoresFile, winnersFile } from './result-files.js';
import { imageKey, useBands } from './use-bands.js';

/** Interval of requests while nothing is told, ms. */
const pollMs = 200;
/** And while bands are told, in case that one is missed. */
const seldomMs = 2_000;

/**
 * How far an image is, as its job tells it, or asked for often where that is refused; until it is finished, or its
 * job has ended, after which nothing more of it comes.
 */
export function useImageProgress(of: ImageOfJob, job: JobStatus | undefined) {
  const queries = useQueryClient();
  const hasEnded = job !== undefined && isEnded(job);
  const queryKey = imageKey(of);
  const known = queries.getQueryData<ImageProgress>(queryKey);
  const isHeard = useBands({ ...of, isOn: !hasEnded && known?.state === 'running' });
  const progress = useQuery({
    queryKey,
    queryFn: async ({ signal }) => {
      const read = await readImage(of, signal);
      const before = queries.getQueryData<ImageProgress>(queryKey);
      if (read.state === 'finished' || before?.state !== 'running') return read;
      return { ...read, partial: withBandsOf(read.partial, before.partial) };
    },
    refetchInterval: askEach<ImageProgress>((image) => {
      if (image?.state === 'finished' || (hasEnded && image !== undefined)) return false;
      return isHeard ? seldomMs : pollMs;
    }),
    staleTime: ({ state }) => (state.data?.state === 'finished' ? Number.POSITIVE_INFINITY : 0),
  });
  const { refetch } = progress;
  const isFinished = progress.data?.state === 'finished';
  const before = useRef(hasEnded);
  useEffect(() => {
    if (before.current === hasEnded) return;
    before.current = hasEnded;
    // What was known at the job's end may be from before it; and a retry begins anew.
    if (!isFinished) void refetch();
  }, [hasEnded, isFinished, refetch]);
  return progress;
}

type GridArrays = { readonly scores: NpyArray; readonly winners: NpyArray };

/** Arrays of a finished image, one pair a patch size; undefined until they are there. */
function useArrays(of: ImageOfJob, progress: ImageProgress | undefined) {
  const result = progress?.state === 'finished' ? progress.result : null;
  return useQuery({
    queryKey: ['arrays', of.job, of.image],
    enabled: result !== null,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }): Promise<GridArrays[]> =>
      Promise.all(
        (result?.grids ?? []).map(async (_, grid, { length }) => ({
          scores: await readArray(of, scoresFile(result, grid, length), signal),
          winners: await readArray(of, winnersFile(result, grid, length), signal),
        })),
      ),
  });
}

/** Every map of an image, by patch size and target. */
export type ImageMaps = {
  readonly grids: readonly Grid[];
  /** [grids][targets] */
  readonly cells: readonly (readonly ScoreCells[])[];
};

type MapSources = {
  readonly progress: ImageProgress;
  readonly arrays: readonly GridArrays[] | undefined;
  readonly settings: OcclusionSettings;
  /** Extent of the model's input, px. */
  readonly image: Size;
};

/** The maps that are known so far; none before the extent of the input is known. */
function useMaps(sources: MapSources | null): ImageMaps | null {
  const { progress, arrays, settings, image } = sources ?? {};
  return useMemo(() => {
    if (progress === undefined || settings === undefined || image === undefined) return null;
    const { grids, targets } = progress.state === 'finished' ? progress.result : progress.partial;
    const cells = grids.map((_, grid) =>
      targetIndices(targets.length).map((target) =>
        progress.state === 'running'
          ? cellsOfPartial(progress.partial, { target, grid })
          : arraysOf(arrays?.[grid], target, targets[target]?.score ?? 0),
      ),
    );
    if (cells.length === 0 || cells.flat().includes(null)) return null;
    return {
      grids: grids.map(({ patch, rows, columns }) => ({
        ...{ patch, rows, columns, image },
        stride: settings.stride,
      })),
      cells: cells as ScoreCells[][],
    };
  }, [progress, arrays, settings, image]);
}

/** Before the first rows, no target is known, and one map is drawn all the same: of what is to come. */
const targetIndices = (count: number): number[] => [...Array(Math.max(1, count)).keys()];

const arraysOf = (arrays: GridArrays | undefined, target: number, baseline: number) =>
  arrays === undefined ? null : cellsOfArrays(arrays.scores, arrays.winners, { target, baseline });

/** What there is to draw of an image. */
export type ImageDrawing = {
  /** null before the extent of the input is known, or its arrays are there. */
  readonly maps: ImageMaps | null;
  readonly place: InputPlacement | null;
  /** Why its arrays are not there. */
  readonly error: Error | null;
};

/** An image's maps, and where they lie on its photo, as far as they are known. */
export function useDrawing(
  of: ImageOfJob,
  { settings }: Pick<JobStatus, 'settings'>,
  progress: ImageProgress | undefined,
): ImageDrawing {
  const place = usePlacement(of, progress);
  const { data: arrays, error } = useArrays(of, progress);
  const input = (progress?.state === 'finished' ? progress.result.input : place?.input) ?? null;
  const sources = useMemo(
    () =>
      input === null || progress === undefined
        ? null
        : { progress, arrays, settings, image: input },
    [progress, arrays, settings, input],
  );
  return { maps: useMaps(sources), place, error };
}

/** Where an image's cells lie: the model's input, and the way from it to the photo. */
export type InputPlacement = Pick<ImageGeometry, 'photo' | 'input' | 'toPhoto'>;

/** Where an image's cells lie; null while that is not known, or where nothing tells it any more. */
function usePlacement(of: ImageOfJob, progress: ImageProgress | undefined): InputPlacement | null {
  const own = useMemo(() => placementOf(progress), [progress]);
  const { data } = useQuery({
    queryKey: ['geometry', of.job, of.image],
    queryFn: ({ signal }) => readGeometry(of, signal),
    enabled: progress !== undefined && own === null,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return own ?? data ?? null;
}

/** @returns null where it is not finished, or its result is of a version that does not tell it. */
function placementOf(progress: ImageProgress | undefined): InputPlacement | null {
  if (progress?.state !== 'finished') return null;
  const { image, input, toPhoto } = progress.result;
  const photo = { height: image.height, width: image.width };
  return toPhoto === undefined ? null : { photo, input, toPhoto };
}
