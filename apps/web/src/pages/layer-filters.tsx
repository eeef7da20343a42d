import { useMutation } from '@tanstack/react-query';
import { filterArrayPath, filtersPath, type Layer, type ModelDetail } from '../api/models.js';
import { download } from '../api/pictures.js';
import { modesOf, whyNoFilters } from '../lib/layer-words.js';
import type { FilterMode, ModelView } from '../lib/model-view.js';
import { Pick, Segmented } from '../parts/choices.js';
import { Picture } from '../parts/picture.js';
import { FailureWords } from '../parts/states.js';

export type LayerFiltersProps = {
  readonly model: ModelDetail;
  readonly layer: Layer;
  readonly view: ModelView;
  readonly change: (change: Partial<ModelView>) => void;
};

const modeLabels: Readonly<Record<FilterMode, string>> = {
  rgb: 'In colour',
  channels: 'By channel',
  collated: 'All in one',
};

/** What a mode shows; kernels of one weight are a matrix in both of the last. */
function modeWords(mode: FilterMode, isMatrix: boolean): string {
  if (mode === 'rgb') {
    return 'Each tile is a kernel, with its weights for red, green and blue as colours; grey is 0. Edges, blobs and opposed colours are what first layers look for.';
  }
  if (isMatrix) {
    return 'One row for each kernel and one column for each channel that it reads: red adds to the answer, blue takes from it.';
  }
  return mode === 'channels'
    ? 'Each tile is the part of a kernel that reads one channel, numbered kernel,channel: red where a weight adds to the answer, blue where it takes from it.'
    : 'All parts of all kernels in one grey map: kernels downwards, and the channels that they read to the right.';
}

const cells = [null, 1, 2, 4, 8, 16, 32, 64];

/** A convolution's weights as pictures, in each mode that it has; of other layers, why there are none. */
export function LayerFilters({ model, layer, view, change }: LayerFiltersProps) {
  const modes = modesOf(layer);
  // Names of layers are paths, often.
  const stem = `${model.name}-${layer.name.replaceAll(/[^\p{L}\p{N}]+/gu, '-').replace(/^-/, '')}`;
  const { mutate, error } = useMutation({
    mutationFn: () => download(filterArrayPath(model.name, layer.name), `${stem}-filters.npy`),
  });
  const [first] = modes;
  if (first === undefined) {
    return (
      <section className="card layer-card">
        <h3>Filters</h3>
        <p className="note">{whyNoFilters(layer)}</p>
      </section>
    );
  }
  const mode = modes.find((one) => one === view.mode) ?? first;
  const [, , height = 1, width = 1] = layer.filters ?? [];
  const isMatrix = height * width === 1;
  const hasScale = mode === 'rgb' || (mode === 'channels' && !isMatrix);
  const cell = view.cell ?? undefined;
  const path = filtersPath(model.name, layer.name, {
    ...{ mode, scale: hasScale ? view.scale : 'layer', page: view.page, cell },
  });
  return (
    <section className="card layer-card">
      <h3>Filters</h3>
      <div className="layer-controls">
        <Segmented
          label="Mode"
          choices={modes.map((value) => ({ value, label: modeLabels[value] }))}
          value={mode}
          onChange={(next) => change({ mode: next, page: 1 })}
        />
        {hasScale && (
          <Segmented
            label="Scale"
            choices={[
              { value: 'layer', label: 'One scale' },
              { value: 'own', label: 'Each its own' },
            ]}
            value={view.scale}
            onChange={(scale) => change({ scale })}
          />
        )}
        <Pick
          label="A weight is, px"
          value={String(view.cell ?? '')}
          choices={cells.map((value) => ({
            value: String(value ?? ''),
            label: value === null ? 'as suits' : String(value),
          }))}
          onChange={(next) => change({ cell: next === '' ? null : Number(next) })}
        />
      </div>
      <p className="note">
        {modeWords(mode, isMatrix)}{' '}
        {hasScale &&
          (view.scale === 'own'
            ? 'Each tile is scaled by itself, as in the article: weak kernels look as strong as others.'
            : 'All tiles share the scale of the bar: kernels of small weights are pale.')}{' '}
        A crossed or marked kernel has no weight above 1 % of the layer’s largest.
      </p>
      <Picture
        path={path}
        alt={`Filters of ${layer.name}, ${modeLabels[mode].toLowerCase()}`}
        page={view.page}
        onPage={(page) => change({ page })}
      />
      <div className="row">
        <button type="button" className="button" onClick={() => mutate()}>
          Download the weights (.npy)
        </button>
        <FailureWords error={error} />
      </div>
    </section>
  );
}
