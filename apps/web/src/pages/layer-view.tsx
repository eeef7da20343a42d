import type { Layer, LayerList, ModelDetail } from '../api/models.js';
import { formatCount } from '../lib/format.js';
import { formatPair, formatShape, kindWords, mapOf } from '../lib/layer-words.js';
import type { ModelView } from '../lib/model-view.js';
import { LayerActivations } from './layer-activations.js';
import { LayerField } from './layer-field.js';
import { LayerFilters } from './layer-filters.js';
import { PhotoPicker, useLayerPhoto } from './photo-picker.js';

export type LayerViewProps = {
  readonly model: ModelDetail;
  readonly list: LayerList;
  readonly layer: Layer;
  readonly view: ModelView;
  readonly change: (change: Partial<ModelView>) => void;
};

/** One layer looked into: what it is, what a unit of it sees, its filters, and its answer to a photo. */
export function LayerView({ model, list, layer, view, change }: LayerViewProps) {
  const photo = useLayerPhoto(model, view);
  const map = mapOf(layer);
  return (
    <article className="layer" aria-labelledby="layer">
      <h2 id="layer" className="section-title">
        {layer.name}
      </h2>
      <p className="lead">
        {layer.op}: {kindWords[layer.kind]}.{' '}
        {map === null
          ? `It gives ${formatShape(layer)} numbers${layer.outputShape === null ? ', as far as is known' : ''}, and no maps.`
          : `It gives ${formatCount(map.channels, 'map')} of ${map.height} × ${map.width} units.`}
        {layer.filters !== null && ` ${filterWords(layer)}`}
      </p>
      <div className="layer-cards">
        <LayerFilters {...{ model, layer, view, change }} />
        <PhotoPicker photo={photo} model={model} view={view} change={change} />
        <LayerField {...{ model, list, layer, view, change }} of={photo.chosen} />
        <LayerActivations {...{ layer, view, change }} of={photo.chosen} />
      </div>
    </article>
  );
}

function filterWords({ filters, stride, groups, parameters }: Layer): string {
  const [kernels = 0, depth = 0, height = 0, width = 1] = filters ?? [];
  const step = stride === null ? '' : `, ${formatPair(stride)} px of its input at a time`;
  const grouped = groups !== null && groups > 1 ? ` of ${groups} groups` : '';
  return `${formatCount(kernels, 'kernel')} of ${height} × ${width} each read ${formatCount(depth, 'channel')}${grouped}${step}: ${parameters.toLocaleString('en')} trained numbers in all.`;
}
