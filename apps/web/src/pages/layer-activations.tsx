import { activationsPath, type ImageOfJob } from '../api/images.js';
import type { Layer } from '../api/models.js';
import { mapOf } from '../lib/layer-words.js';
import type { ModelView } from '../lib/model-view.js';
import { Picture } from '../parts/picture.js';

export type LayerActivationsProps = {
  readonly layer: Layer;
  readonly of: ImageOfJob | null;
  readonly view: ModelView;
  readonly change: (change: Partial<ModelView>) => void;
};

/** A layer's feature maps for the chosen photo. */
export function LayerActivations({ layer, of, view, change }: LayerActivationsProps) {
  const map = mapOf(layer);
  return (
    <section className="card layer-card">
      <h3>Activations</h3>
      {map === null && (
        <p className="note">
          This layer gives no maps: its numbers belong to no place in the photo.
        </p>
      )}
      {map !== null && of === null && (
        <p className="note">Choose a photo, and the maps that this layer makes of it are shown.</p>
      )}
      {map !== null && of !== null && (
        <>
          <p className="note">
            What each of the {map.channels.toLocaleString('en')} channels answers to the photo,{' '}
            {map.height} × {map.width} units each. A map goes from its own lowest value, black, to
            its highest, white: brightness says where a pattern was found, and does not compare
            maps.
          </p>
          <Picture
            path={activationsPath(of, layer.name, view.maps)}
            alt={`Activations of ${layer.name}`}
            page={view.maps}
            onPage={(maps) => change({ maps })}
          />
        </>
      )}
    </section>
  );
}
