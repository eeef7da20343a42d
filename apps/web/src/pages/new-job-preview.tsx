import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type Grid, patchBox } from '@umbra/shared/occlusion/grid';
import { useId, useMemo, useState } from 'react';
import type { Dataset } from '../api/datasets.js';
import type { ImageGeometry } from '../api/images.js';
import type { JobWish } from '../api/jobs.js';
import { photoPath } from '../api/pictures.js';
import { type PreviewOf, previewInputPath, readPreview } from '../api/previews.js';
import { GridStage } from '../heat/grid-stage.js';
import type { Cell } from '../lib/view-state.js';
import { Segmented } from '../parts/choices.js';
import { stepImage } from './result-files.js';
import { useSettled } from './use-settled.js';

/** While keys and pointers move, nothing is asked for, ms. */
const quietMs = 150;

export type JobPreviewProps = {
  readonly dataset: Dataset;
  readonly image: string;
  /** What the job would be asked for; null where the form does not say it. */
  readonly wish: JobWish | null;
  readonly onImage: (image: string) => void;
};

/** One photo of a dataset under the settings of a job that is not made yet. */
export function JobPreview({ dataset, image, wish, onImage }: JobPreviewProps) {
  const of = useMemo(() => (wish === null ? null : { ...wish, image }), [wish, image]);
  const preview = usePreview(useSettled(of, quietMs));
  const [place, setPlace] = useState<PatchPlace>({ grid: 0, row: 0, column: 0 });
  return (
    <>
      <PhotoSteps {...{ dataset, image, onImage }} />
      {preview === undefined ? (
        <img className="preview-photo" src={photoPath(dataset.id, image)} alt={image} />
      ) : (
        <Occluded {...preview} place={place} onPlace={setPlace} />
      )}
    </>
  );
}

/** What a preview shows, and what it is of: the one before, until the next is there. */
function usePreview(of: PreviewOf | null) {
  const { data } = useQuery({
    queryKey: ['preview', of],
    queryFn: async ({ signal }) => ({
      of: of as PreviewOf,
      geometry: await readPreview(of as PreviewOf, signal),
    }),
    enabled: of !== null,
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
  });
  return of === null ? undefined : data;
}

/** A position of one of the patch sizes. */
type PatchPlace = Cell & { readonly grid: number };

type OccludedProps = {
  readonly of: PreviewOf;
  readonly geometry: ImageGeometry;
  readonly place: PatchPlace;
  readonly onPlace: (place: PatchPlace) => void;
};

/** The grid on the photo, and beside it the input with the patch where it is. */
function Occluded({ of, geometry, place, onPlace }: OccludedProps) {
  const readoutId = useId();
  const grids = useMemo(() => gridsOf(geometry), [geometry]);
  const index = Math.min(place.grid, grids.length - 1);
  const grid = grids[index];
  if (grid === undefined) return null;
  const cell = within(place, grid);
  return (
    <>
      {grids.length > 1 && (
        <Segmented
          label="Patch size"
          value={String(index)}
          choices={grids.map(({ patch }, at) => ({
            value: String(at),
            label: `${patch.width} × ${patch.height} px`,
          }))}
          onChange={(next) => onPlace({ ...place, grid: Number(next) })}
        />
      )}
      <div className="preview">
        <GridStage
          grid={grid}
          place={geometry}
          photo={photoPath(of.dataset, of.image)}
          cell={cell}
          onCell={(next) => onPlace({ ...next, grid: index })}
          readoutId={readoutId}
        />
        <SeenPatch of={of} cell={cell} grid={index} />
      </div>
      <p id={readoutId} className="preview-readout" role="status">
        {describe(cell, grid)}
      </p>
    </>
  );
}

const gridsOf = ({ grids, stride, input }: ImageGeometry): readonly Grid[] =>
  grids.map((grid) => ({ ...grid, stride, image: input }));

const within = ({ row, column }: Cell, { rows, columns }: Grid): Cell => ({
  row: Math.min(row, rows - 1),
  column: Math.min(column, columns - 1),
});

function describe(cell: Cell, grid: Grid): string {
  const { top, left, bottom, right } = patchBox(grid, cell.row, cell.column);
  const positions = (grid.rows * grid.columns).toLocaleString('en');
  return `Row ${cell.row}, column ${cell.column} of ${grid.rows} × ${grid.columns} (${positions} positions) · x ${left}–${right}, y ${top}–${bottom} px of the input`;
}

type SeenPatchProps = { readonly of: PreviewOf; readonly cell: Cell; readonly grid: number };

/** The input as the model sees it, drawn once the patch rests. */
function SeenPatch({ of, cell: { row, column }, grid }: SeenPatchProps) {
  const path = previewInputPath(of, { row, column, grid });
  const wanted = useMemo(() => ({ path, row, column }), [path, row, column]);
  const shown = useSettled(wanted, quietMs);
  const [failed, setFailed] = useState<string | null>(null);
  if (failed === shown.path) return <p className="note">The model's input could not be drawn.</p>;
  return (
    <img
      className="seen"
      src={shown.path}
      alt={`The model's input with the patch at row ${shown.row}, column ${shown.column}`}
      onError={() => setFailed(shown.path)}
    />
  );
}

type PhotoStepsProps = Omit<JobPreviewProps, 'wish'>;

/** Which photo of the dataset is looked at. */
function PhotoSteps({ dataset: { images }, image, onImage }: PhotoStepsProps) {
  const number = Number(image.slice('img_'.length)) + 1;
  if (images <= 1) return null;
  const step = (by: number, words: string) => {
    const next = stepImage(image, by, images);
    return (
      <button
        type="button"
        className="button"
        aria-label={`${words} photo`}
        disabled={next === null}
        onClick={() => next !== null && onImage(next)}
      >
        {words}
      </button>
    );
  };
  return (
    <nav className="row preview-steps" aria-label="Photos of the dataset">
      {step(-1, 'Previous')}
      <label className="preview-number">
        Photo{' '}
        <input
          type="number"
          min={1}
          max={images}
          value={number}
          onChange={({ currentTarget: { valueAsNumber } }) => {
            const chosen = stepImage(image, valueAsNumber - number, images);
            if (chosen !== null) onImage(chosen);
          }}
        />{' '}
        of {images.toLocaleString('en')}
      </label>
      {step(1, 'Next')}
    </nav>
  );
}
