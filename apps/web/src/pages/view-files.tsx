import { useMutation } from '@tanstack/react-query';
import { saveBlob } from '../api/pictures.js';
import type { ScoreCells } from '../heat/cells.js';
import { type PhotoPlace, regionOf, wholeOf } from '../heat/heat.js';
import { renderPng, renderSvg } from '../heat/render-view.js';
import type { DrawnMap } from '../heat/view-svg.js';
import type { ViewState } from '../lib/view-state.js';
import { FailureWords } from '../parts/states.js';

export type ViewFilesProps = {
  readonly cells: ScoreCells;
  readonly grid: DrawnMap['grid'];
  readonly place: PhotoPlace | null;
  readonly photo: string | null;
  readonly view: ViewState;
  readonly limit: number;
  /** Name of the files, without an ending. */
  readonly stem: string;
  readonly words: readonly string[];
};

/** Save what is looked at, as a picture. */
export function ViewFiles(props: ViewFilesProps) {
  const { mutate, error, isPending } = useMutation({
    mutationFn: async (form: 'png' | 'svg') => {
      const map = drawnMapOf(props);
      const blob = await (form === 'png' ? renderPng(map) : renderSvg(map));
      saveBlob(blob, `${props.stem}-view.${form}`);
    },
  });
  return (
    <div className="row view-files">
      <span className="note">Save this view</span>
      {(['png', 'svg'] as const).map((form) => (
        <button
          key={form}
          type="button"
          className="button"
          disabled={isPending}
          onClick={() => mutate(form)}
        >
          {form.toUpperCase()}
        </button>
      ))}
      <FailureWords error={error} />
    </div>
  );
}

/** What is drawn, as `Heat` draws it. */
function drawnMapOf({ cells, grid, place, view, limit, words, ...shown }: ViewFilesProps) {
  const photo = place === null ? null : shown.photo;
  const isAlone = place === null || photo === null;
  const isMap = view.layer === 'map' || photo === null;
  return {
    ...{ cells, grid, words, pin: view.pin },
    whole: isAlone ? grid.image : place.photo,
    region: isAlone ? wholeOf(grid.image) : regionOf(grid.image, place),
    photo,
    paint: {
      ...{ limit, isSmooth: view.isSmooth, opacity: view.opacity / 100 },
      layer: isMap ? ('map' as const) : ('over' as const),
    },
    hasMap: view.layer !== 'photo' || photo === null,
  };
}
