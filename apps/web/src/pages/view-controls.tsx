import type { Grid } from '@umbra/shared/occlusion/grid';
import type { ViewState } from '../lib/view-state.js';
import { Flag, Pick, Segmented, ShareSlider } from '../parts/choices.js';

export type ViewControlsProps = {
  readonly view: ViewState;
  readonly change: (change: Partial<ViewState>) => void;
  readonly targets: readonly { readonly label: string }[];
  readonly grids: readonly Grid[];
  readonly hasPhoto: boolean;
};

const layers = [
  { value: 'over', label: 'Over photo' },
  { value: 'map', label: 'Map' },
  { value: 'photo', label: 'Photo' },
] as const;

export type LayerControlsProps = {
  readonly view: Pick<ViewState, 'layer' | 'opacity' | 'isSmooth'>;
  readonly change: (change: Partial<Pick<ViewState, 'layer' | 'opacity' | 'isSmooth'>>) => void;
  readonly hasPhoto: boolean;
};

/** What is drawn of a map and its photo, and how. */
export function LayerControls({ view, change, hasPhoto }: LayerControlsProps) {
  return (
    <>
      {hasPhoto && (
        <Segmented
          label="What is drawn"
          choices={layers}
          value={view.layer}
          onChange={(layer) => change({ layer })}
        />
      )}
      {hasPhoto && view.layer === 'over' && (
        <ShareSlider
          label="Opacity"
          value={view.opacity}
          onChange={(opacity) => change({ opacity })}
        />
      )}
      <Flag label="Smooth" value={view.isSmooth} onChange={(isSmooth) => change({ isSmooth })} />
    </>
  );
}

export function ViewControls({ view, change, targets, grids, hasPhoto }: ViewControlsProps) {
  const hasSeveral = targets.length > 1 || grids.length > 1;
  return (
    <section className="card controls">
      <h2>View</h2>
      <LayerControls view={view} change={change} hasPhoto={hasPhoto} />
      {hasSeveral && (
        <Flag
          label="One scale for all maps"
          value={view.scale === 'shared'}
          onChange={(isShared) => change({ scale: isShared ? 'shared' : 'own' })}
        />
      )}
      {targets.length > 1 && (
        <Pick
          label="Target"
          value={String(view.target)}
          choices={targets.map(({ label }, index) => ({ value: String(index), label }))}
          onChange={(target) => change({ target: Number(target) })}
        />
      )}
      <p className="note keys">
        <kbd>1</kbd> over photo <kbd>2</kbd> map <kbd>3</kbd> photo <kbd>4</kbd> smooth
        {hasSeveral && (
          <>
            {' '}
            <kbd>5</kbd> scale
          </>
        )}
      </p>
    </section>
  );
}
