import { useQuery } from '@tanstack/react-query';
import { memo, useMemo, useState } from 'react';
import { Link } from 'wouter';
import {
  filePath,
  type ImageOfJob,
  type ImageProgress,
  type PartialResult,
  readGeometry,
} from '../api/images.js';
import type { JobStatus } from '../api/jobs.js';
import { smallPhotoPath } from '../api/pictures.js';
import type { WallRow } from '../api/rows.js';
import { addressOf } from '../api/source.js';
import { cellsOfPartial } from '../heat/cells.js';
import { TileHeat } from '../heat/tile-heat.js';
import { formatDrop, formatPercent } from '../lib/format.js';
import { imageKey } from './use-bands.js';

export type TileProps = {
  readonly job: Pick<JobStatus, 'id' | 'dataset'>;
  readonly row: WallRow;
  /** What is told of it beside its drop, by what the list is sorted. */
  readonly measure: Measure | null;
  readonly onOpen: () => void;
};

/** A number of a row that a list may be sorted by. */
export type Measure = 'flips' | 'borderShare' | 'score';

/** An image of a job, small: its picture, what the model says, and how far its score falls. */
export const Tile = memo(function Tile({ job, row, measure, onOpen }: TileProps) {
  const { name, state, predicted, isRight, drop } = row;
  return (
    <Link className="tile" href={`/jobs/${job.id}/images/${row.id}`} tabIndex={-1} onClick={onOpen}>
      <span className="tile-picture" data-state={state}>
        <TilePicture job={job} row={row} />
      </span>
      <span className="tile-name" title={name}>
        {name.split('/').at(-1)}
      </span>
      <span className="tile-class" data-right={isRight}>
        {predicted === null ? stateWords[state] : nameOfClass(predicted)}
      </span>
      <span className="tile-numbers">
        {measure !== null && row[measure] !== null && <>{formatMeasure(row, measure)} · </>}
        {drop !== null && <>drop {formatDrop(drop)}</>}
      </span>
    </Link>
  );
});

export const stateWords: Readonly<Record<WallRow['state'], string>> = {
  pending: 'waiting',
  running: 'running',
  completed: 'finished',
  failed: 'failed',
};

const nameOfClass = ({ label, aboveThreshold }: NonNullable<WallRow['predicted']>): string =>
  aboveThreshold === false ? 'no class' : label;

function formatMeasure({ flips, borderShare, score }: WallRow, measure: Measure): string {
  if (measure === 'flips') return `${flips} flip${flips === 1 ? '' : 's'}`;
  if (measure === 'borderShare') return `border ${formatPercent(borderShare ?? 0)}`;
  return `score ${(score ?? 0).toPrecision(3)}`;
}

type TilePictureProps = Pick<TileProps, 'job' | 'row'>;

function TilePicture({ job, row: { id, state } }: TilePictureProps) {
  const of = { job: job.id, image: id };
  const [isGone, setGone] = useState(false);
  if (state === 'failed' || isGone) return null;
  if (state !== 'completed') return <FillingPicture of={of} dataset={job.dataset} />;
  return (
    <img
      src={addressOf(filePath(of, 'thumbnail.webp')) ?? undefined}
      alt=""
      loading="lazy"
      decoding="async"
      onError={() => setGone(true)}
    />
  );
}

type FillingProps = { readonly of: ImageOfJob; readonly dataset: string };

/** The bands of an image that runs, as they are told; nothing before the first. */
function FillingPicture({ of, dataset }: FillingProps) {
  // Kept by the bands that the job tells, and never asked for by the tile.
  const { data } = useQuery<ImageProgress>({ queryKey: imageKey(of), enabled: false });
  const partial = data?.state === 'running' && data.partial.bands.length > 0 ? data.partial : null;
  return partial === null ? null : <PartialPicture of={of} dataset={dataset} partial={partial} />;
}

function PartialPicture({
  of,
  dataset,
  partial,
}: FillingProps & { readonly partial: PartialResult }) {
  const { data: geometry } = useQuery({
    queryKey: ['geometry', of.job, of.image],
    queryFn: ({ signal }) => readGeometry(of, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const cells = useMemo(() => cellsOfPartial(partial, { target: 0, grid: 0 }), [partial]);
  const grid = useMemo(() => {
    const [first] = geometry?.grids ?? [];
    return geometry === undefined || first === undefined
      ? null
      : { ...first, image: geometry.input, stride: geometry.stride };
  }, [geometry]);
  if (geometry === undefined || grid === null || cells === null) return null;
  return (
    <TileHeat
      cells={cells}
      grid={grid}
      place={geometry}
      photo={smallPhotoPath(dataset, of.image)}
    />
  );
}
