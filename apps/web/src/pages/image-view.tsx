import { useQuery } from '@tanstack/react-query';
import { useId, useMemo, useState } from 'react';
import { Link, useLocation, useSearchParams } from 'wouter';
import type { ImageOfJob, ImageProgress, ImageResult } from '../api/images.js';
import type { JobStatus } from '../api/jobs.js';
import { usePhoto } from '../api/pictures.js';
import { listRows } from '../api/rows.js';
import { isService } from '../api/source.js';
import { knownCount, limitOf, type ScoreCells } from '../heat/cells.js';
import { ColourScale } from '../heat/colour-scale.js';
import { Heat } from '../heat/heat.js';
import { MapStrip } from '../heat/map-strip.js';
import { Readout } from '../heat/readout.js';
import { useRevealed } from '../heat/use-revealed.js';
import { formatPercent } from '../lib/format.js';
import { type Cell, formatView, parseView, type ViewState } from '../lib/view-state.js';
import { PageHead } from '../parts/page-head.js';
import { Loading } from '../parts/states.js';
import { useKeys } from '../parts/use-keys.js';
import { ImageFiles, ImageSnippets, SeenInput, stemOf } from './image-cards.js';
import { classNamer, predictedIndexOf, predictedOf, stepImage, viewWords } from './result-files.js';
import { useDecoded } from './use-decoded.js';
import { type ImageMaps, useDrawing } from './use-image-maps.js';
import { ViewControls } from './view-controls.js';
import { ViewFiles } from './view-files.js';

export type ImageViewProps = {
  readonly of: ImageOfJob;
  readonly job: JobStatus;
  readonly progress: ImageProgress;
};

/** Reads how it is looked at from the address, and writes it there. */
function useView(): [ViewState, (change: Partial<ViewState>) => void] {
  const [search, setSearch] = useSearchParams();
  const view = useMemo(() => parseView(search), [search]);
  return [view, (change) => setSearch(formatView({ ...view, ...change }), { replace: true })];
}

export function ImageView({ of, job, progress }: ImageViewProps) {
  const [view, change] = useView();
  const result = progress.state === 'finished' ? progress.result : null;
  const photo = usePhoto(of, job.dataset);
  const isDecoded = useDecoded(photo.url);
  const { maps, place } = useDrawing(of, job, progress);
  // One that is gone, or still on its way, leaves the map alone; so does one of which nothing tells where it lies.
  const shownPhoto = isDecoded && place !== null ? photo.url : null;
  const nameOf = useMemo(() => classNamer(progress), [progress]);
  const rowName = useRowName(of, result === null && photo.name === null);
  useImageKeys(of, job, { view, change });
  return (
    <>
      <ImageHead
        of={of}
        job={job}
        name={result?.image.name ?? photo.name ?? rowName}
        search={formatView({ ...view, pin: null })}
      />
      <div className="image-page">
        <div className="image-main">
          {maps === null ? (
            <Loading what="the map" />
          ) : (
            <MapStage
              maps={maps}
              place={place}
              photo={shownPhoto}
              view={view}
              change={change}
              isRunning={result === null}
              nameOf={nameOf}
              predicted={predictedIndexOf(progress)}
              result={result}
            />
          )}
        </div>
        <aside className="image-side" aria-label="About this image">
          <Verdict
            progress={progress}
            target={view.target}
            onPin={(pin, grid) => change({ pin, grid })}
          />
          <ViewControls
            view={view}
            change={change}
            targets={
              progress.state === 'finished' ? progress.result.targets : progress.partial.targets
            }
            grids={maps?.grids ?? []}
            hasPhoto={shownPhoto !== null}
          />
        </aside>
        {result !== null && (
          <div className="image-more">
            {isService() && <SeenInput of={of} view={view} />}
            <ImageFiles of={of} result={result} />
            {isService() && <ImageSnippets of={of} job={job} result={result} grid={view.grid} />}
          </div>
        )}
      </div>
    </>
  );
}

type MapStageProps = Pick<Parameters<typeof Heat>[0], 'place' | 'photo'> & {
  readonly maps: ImageMaps;
  readonly view: ViewState;
  readonly change: (change: Partial<ViewState>) => void;
  readonly isRunning: boolean;
  /** null while the image runs. */
  readonly result: ImageResult | null;
} & Pick<Parameters<typeof Readout>[0], 'nameOf' | 'predicted'>;

function MapStage(props: MapStageProps) {
  const { maps, view, change, isRunning, nameOf, predicted, result, ...shown } = props;
  const [cursor, setCursor] = useState<Cell | null>(null);
  const readoutId = useId();
  const gridIndex = Math.min(view.grid, maps.grids.length - 1);
  const ofGrid = maps.cells[gridIndex] ?? [];
  const target = Math.min(view.target, ofGrid.length - 1);
  const grid = maps.grids[gridIndex];
  const cells = ofGrid[target];
  if (grid === undefined || cells === undefined) return null;
  const limit = limitOf(view.scale === 'shared' ? maps.cells.flat() : [cells]);
  return (
    <>
      <RevealedHeat
        {...{ cells, grid, view, limit, cursor, readoutId, isRunning, ...shown }}
        onCursor={setCursor}
        onPin={(pin) => change({ pin: isSame(pin, view.pin) ? null : pin })}
      />
      <ColourScale limit={limit} />
      <Readout
        id={readoutId}
        cell={cursor ?? view.pin}
        {...{ cells, grid, nameOf, predicted, place: shown.place }}
      />
      {result !== null && (
        <ViewFiles
          {...{ cells, grid, view, limit, ...shown }}
          stem={stemOf(result)}
          words={viewWords(result, { target, grid })}
        />
      )}
      {isRunning && (
        <p className="note" role="status">
          {knownCount(cells)} of {cells.scores.length} patches
        </p>
      )}
      <MapStrip maps={maps} view={view} limit={limit} onChoose={change} />
    </>
  );
}

function RevealedHeat(props: Parameters<typeof Heat>[0] & { readonly isRunning: boolean }) {
  const { isRunning, cells, ...rest } = props;
  const revealed: ScoreCells = useRevealed(cells, isRunning);
  return <Heat {...rest} cells={revealed} />;
}

const isSame = (a: Cell | null, b: Cell | null): boolean =>
  a !== null && b !== null && a.row === b.row && a.column === b.column;

type VerdictProps = {
  readonly progress: ImageProgress;
  readonly target: number;
  readonly onPin: (pin: Cell, grid: number) => void;
};

/** What the model says, and where its score falls most. */
function Verdict({ progress, target, onPin }: VerdictProps) {
  const predicted = predictedOf(progress);
  const isNone = predicted?.aboveThreshold === false;
  const lowest =
    progress.state === 'finished' ? progress.result.targets[target]?.lowest : undefined;
  return (
    <section className="card verdict">
      <h2>The model says</h2>
      <p className="verdict-class">{isNone ? 'No class' : (predicted?.label ?? '…')}</p>
      {predicted !== null && (
        <p className="verdict-share">
          {isNone && `first is ${predicted.label}, `}
          {formatPercent(predicted.probability)}
        </p>
      )}
      {lowest !== undefined && (
        <button
          type="button"
          className="button"
          onClick={() => onPin({ row: lowest.row, column: lowest.column }, lowest.grid)}
        >
          Show the patch that matters most
        </button>
      )}
    </section>
  );
}

/** The name of an image that has no result yet; null while it is not known. */
function useRowName(of: ImageOfJob, isWanted: boolean): string | null {
  const { data } = useQuery({
    queryKey: ['name', of.job, of.image],
    queryFn: ({ signal }) =>
      listRows(of.job, { sort: 'index', where: [`id=${of.image}`], limit: 1 }, signal),
    enabled: isWanted,
  });
  return data?.data[0]?.name ?? null;
}

type ImageHeadProps = {
  readonly of: ImageOfJob;
  readonly job: JobStatus;
  readonly name: string | null;
  readonly search: URLSearchParams;
};

function ImageHead({ of, job, name, search }: ImageHeadProps) {
  const { total } = job.counts;
  const steps = [
    { word: 'Previous', image: stepImage(of.image, -1, total), keyName: 'k' },
    { word: 'Next', image: stepImage(of.image, 1, total), keyName: 'j' },
  ];
  return (
    <PageHead
      title={name ?? 'Image'}
      lead={
        <>
          <Link href={`/jobs/${of.job}`}>Job</Link> by{' '}
          {isService() ? (
            <Link href={`/models/${job.model.name}`}>{job.model.name}</Link>
          ) : (
            job.model.name
          )}
        </>
      }
    >
      {total > 1 && (
        <nav className="row" aria-label="Images of the job">
          {steps.map(({ word, image, keyName }) =>
            image === null ? null : (
              <Link
                key={word}
                className="button"
                href={`/jobs/${of.job}/images/${image}?${search}`}
              >
                {word} <kbd>{keyName}</kbd>
              </Link>
            ),
          )}
        </nav>
      )}
    </PageHead>
  );
}

type Viewing = { readonly view: ViewState; readonly change: (change: Partial<ViewState>) => void };

/** `j` and `k` step through the images; `1` to `5` change how they are looked at. */
function useImageKeys(of: ImageOfJob, job: JobStatus, { view, change }: Viewing): void {
  const [, navigate] = useLocation();
  const step = (by: number) => {
    const image = stepImage(of.image, by, job.counts.total);
    if (image === null) return;
    navigate(`/jobs/${of.job}/images/${image}?${formatView({ ...view, pin: null })}`);
  };
  useKeys({
    j: () => step(1),
    k: () => step(-1),
    1: () => change({ layer: 'over' }),
    2: () => change({ layer: 'map' }),
    3: () => change({ layer: 'photo' }),
    4: () => change({ isSmooth: !view.isSmooth }),
    5: () => change({ scale: view.scale === 'own' ? 'shared' : 'own' }),
  });
}
