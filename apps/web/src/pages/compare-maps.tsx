import { useMemo, useState } from 'react';
import { Link } from 'wouter';
import { usePhoto } from '../api/pictures.js';
import { limitOf } from '../heat/cells.js';
import { differenceOf, type PlacedMap } from '../heat/difference.js';
import type { Point } from '../heat/photo-point.js';
import type { CompareState } from '../lib/compare-state.js';
import { pairTargets, type WatchedClass } from '../lib/compare-targets.js';
import { Pick } from '../parts/choices.js';
import { Empty } from '../parts/states.js';
import { useKeys } from '../parts/use-keys.js';
import { DifferenceFigure, SideFigure } from './compare-figures.js';
import type { CompareProps } from './compare-jobs.js';
import { useDecoded } from './use-decoded.js';
import type { ImageSide } from './use-image-side.js';
import { LayerControls } from './view-controls.js';

type LinkedMapsProps = CompareProps & { readonly one: ImageSide; readonly other: ImageSide };

/** Two maps of a photo and their difference, under one cursor. */
export function LinkedMaps({ one, other, state, change }: LinkedMapsProps) {
  const photo = usePhoto(one.of, one.job.dataset);
  const isDecoded = useDecoded(photo.url);
  const [at, setAt] = useState<Point | null>(null);
  const targets = [targetsOf(one), targetsOf(other)] as const;
  const isSameModel = one.job.model.digest === other.job.model.digest;
  const pair = pairTargets(targets, state.target, isSameModel);
  const gridIndex = Math.min(state.view.grid, (one.maps?.grids.length ?? 1) - 1);
  const [first, second] = [
    usePlaced(one, pair.one, gridIndex),
    usePlaced(other, pair.other, gridBeside(one, other, gridIndex)),
  ];
  const isSameScore = one.job.settings.score === other.job.settings.score;
  const difference = useMemo(
    () => (isSameScore && first !== null && second !== null ? differenceOf(first, second) : null),
    [isSameScore, first, second],
  );
  const view = (changes: Partial<CompareState['view']>) =>
    change({ view: { ...state.view, ...changes } });
  useKeys({
    1: () => view({ layer: 'over' }),
    2: () => view({ layer: 'map' }),
    3: () => view({ layer: 'photo' }),
    4: () => view({ isSmooth: !state.view.isSmooth }),
  });
  if (first === null || second === null) return <NotPlaced one={one} other={other} />;
  const shared = isSameScore ? limitOf([first.cells, second.cells]) : null;
  const shown = { photo: isDecoded ? photo.url : null, at, setAt, state, change };
  return (
    <>
      <div className="card compare-controls">
        <LayerControls view={state.view} change={view} hasPhoto={shown.photo !== null} />
        <Choices one={one} targets={targets[0]} pair={pair} state={state} change={change} />
        <p className="note">{comparedWords(targets, pair)}</p>
      </div>
      <div className="compare-maps">
        {(
          [
            ['A', one, first],
            ['B', other, second],
          ] as const
        ).map(([name, side, placed]) => (
          <SideFigure
            key={name}
            name={name}
            side={side}
            placed={placed}
            limit={shared ?? limitOf([placed.cells])}
            {...shown}
          />
        ))}
        {difference === null ? (
          <p className="note">
            There is no difference map: job A scores by {one.job.settings.score}, job B by{' '}
            {other.job.settings.score}.
          </p>
        ) : (
          <DifferenceFigure difference={difference} {...shown} />
        )}
      </div>
    </>
  );
}

const targetsOf = ({ progress }: ImageSide): readonly WatchedClass[] =>
  progress?.state === 'finished' ? progress.result.targets : [];

/** The grid of the same patch size, or the one of the same place in the list. */
function gridBeside(one: ImageSide, other: ImageSide, index: number): number {
  const patch = one.maps?.grids[index]?.patch;
  const grids = other.maps?.grids ?? [];
  const same = grids.findIndex(
    (grid) => grid.patch.height === patch?.height && grid.patch.width === patch.width,
  );
  return same >= 0 ? same : Math.min(index, grids.length - 1);
}

/** One map of an image; null where nothing tells where it lies on the photo. */
function usePlaced({ maps, place }: ImageSide, target: number, grid: number): PlacedMap | null {
  const cells = maps?.cells[grid]?.[target];
  const ofGrid = maps?.grids[grid];
  return useMemo(
    () =>
      cells === undefined || ofGrid === undefined || place === null
        ? null
        : { cells, grid: ofGrid, place },
    [cells, ofGrid, place],
  );
}

function comparedWords(
  [ones, others]: readonly [readonly WatchedClass[], readonly WatchedClass[]],
  { one, other, isSameClass }: ReturnType<typeof pairTargets>,
): string {
  const [a, b] = [ones[one]?.label ?? '', others[other]?.label ?? ''];
  if (isSameClass) return `Both maps are of ‘${a}’.`;
  return `Map A is of ‘${a}’ and map B of ‘${b}’: job B has no map of ‘${a}’.`;
}

type ChoicesProps = CompareProps & {
  readonly one: ImageSide;
  readonly targets: readonly WatchedClass[];
  readonly pair: ReturnType<typeof pairTargets>;
};

/** Which class, and which patch size, where there are several. */
function Choices({ one, targets, pair, state, change }: ChoicesProps) {
  const grids = one.maps?.grids ?? [];
  return (
    <>
      {targets.length > 1 && (
        <Pick
          label="Class"
          value={String(pair.one)}
          choices={targets.map(({ label }, index) => ({ value: String(index), label }))}
          onChange={(target) => change({ target: Number(target) })}
        />
      )}
      {grids.length > 1 && (
        <Pick
          label="Patch"
          value={String(Math.min(state.view.grid, grids.length - 1))}
          choices={grids.map(({ patch }, index) => ({
            value: String(index),
            label: `${patch.width} × ${patch.height} px`,
          }))}
          onChange={(grid) => change({ view: { ...state.view, grid: Number(grid) } })}
        />
      )}
    </>
  );
}

/** Results of before version 5 whose model is gone do not tell where their map lies. */
function NotPlaced({ one, other }: { readonly one: ImageSide; readonly other: ImageSide }) {
  return (
    <Empty title="The maps cannot be laid on the photo">
      Nothing tells any more where one of them lies on it. Look at them one by one:{' '}
      <Link href={`/jobs/${one.of.job}/images/${one.of.image}`}>map A</Link>,{' '}
      <Link href={`/jobs/${other.of.job}/images/${other.of.image}`}>map B</Link>.
    </Empty>
  );
}
