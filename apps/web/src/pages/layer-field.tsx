import type { KeyboardEvent, PointerEvent } from 'react';
import { fieldPath, type ImageOfJob } from '../api/images.js';
import type { Layer, LayerList, ModelDetail } from '../api/models.js';
import { fieldAlong, formatPair, mapOf, unitNear, unitWithin } from '../lib/layer-words.js';
import { formatUnit, type ModelView, type UnitPlace } from '../lib/model-view.js';
import { Picture } from '../parts/picture.js';
import { useSettled } from './use-settled.js';

/** A held key asks for one picture and not for fifty, ms. */
const quietMs = 300;

export type LayerFieldProps = {
  readonly model: ModelDetail;
  readonly list: LayerList;
  readonly layer: Layer;
  readonly of: ImageOfJob | null;
  readonly view: ModelView;
  readonly change: (change: Partial<ModelView>) => void;
};

/** What one unit of a layer sees of the input, and of the chosen photo. */
export function LayerField({ model, list, layer, of, view, change }: LayerFieldProps) {
  const map = mapOf(layer);
  const unit = map === null ? null : unitWithin(map, view.unit);
  const settled = useSettled(unit === null ? '' : formatUnit(unit), quietMs);
  // Another input has other maps, where the unit of the sketch may not be: the middle one is.
  const isSameInput = view.size === null && model.input.resize.rule !== 'fit';
  return (
    <section className="card layer-card">
      <h3>Receptive field</h3>
      <p className="note">{fieldWords(layer, list)}</p>
      {map !== null && unit !== null && layer.receptiveField.kind !== 'unknown' && (
        <div className="field-views">
          <div className="field-view">
            <FieldSketch
              list={list}
              layer={layer}
              unit={unit}
              onUnit={(next) => change({ unit: next })}
            />
            <UnitInputs map={map} unit={unit} onUnit={(next) => change({ unit: next })} />
          </div>
          {of !== null && (
            <Picture
              path={fieldPath(of, layer.name, isSameInput ? settled : undefined)}
              alt={`What a unit of ${layer.name} sees of the photo`}
            />
          )}
        </div>
      )}
    </section>
  );
}

function fieldWords({ receptiveField: field }: Layer, { input }: LayerList): string {
  const extent = `${input.height} × ${input.width} px`;
  if (field.kind === 'unknown') {
    return 'How much of the input a unit sees is not known: a layer before this one is of a kind whose reach is not known.';
  }
  if (field.kind === 'whole') {
    return `Each unit sees the whole input, ${extent}: this layer, or one before it, reads all of its map at once.`;
  }
  const { y, x } = field;
  const size = `${y.size} × ${x.size} px`;
  const step = formatPair({ y: y.jump, x: x.jump });
  const beyond =
    y.size > input.height || x.size > input.width
      ? ' That is more than there is: the rest lies in the padding around it.'
      : '';
  return `A unit of this layer depends on ${size} of the input’s ${extent}, and on nothing else.${beyond} Its neighbour sees a window that is ${step} px further on. Deeper layers see more, and so can answer to larger things.`;
}

type FieldSketchProps = {
  readonly list: LayerList;
  readonly layer: Layer;
  readonly unit: UnitPlace;
  readonly onUnit: (unit: UnitPlace) => void;
};

const arrows: Readonly<Record<string, UnitPlace>> = {
  ArrowUp: { row: -1, column: 0 },
  ArrowDown: { row: 1, column: 0 },
  ArrowLeft: { row: 0, column: -1 },
  ArrowRight: { row: 0, column: 1 },
};

/** The input, and the unit's window on it, to scale. */
function FieldSketch({ list: { input }, layer, unit, onUnit }: FieldSketchProps) {
  const map = mapOf(layer);
  const { receptiveField: field } = layer;
  if (map === null || field.kind === 'unknown') return null;
  const whole = { y: { begin: 0, end: input.height }, x: { begin: 0, end: input.width } };
  const seen =
    field.kind === 'whole'
      ? whole
      : { y: fieldAlong(field.y, unit.row), x: fieldAlong(field.x, unit.column) };
  const left = Math.min(0, seen.x.begin);
  const top = Math.min(0, seen.y.begin);
  const box = {
    width: Math.max(input.width, seen.x.end) - left,
    height: Math.max(input.height, seen.y.end) - top,
  };
  const go = ({ row, column }: UnitPlace) =>
    onUnit({
      row: Math.min(map.height - 1, Math.max(0, row)),
      column: Math.min(map.width - 1, Math.max(0, column)),
    });
  const press = (event: KeyboardEvent) => {
    const by = arrows[event.key];
    if (by === undefined) return;
    event.preventDefault();
    go({ row: unit.row + by.row, column: unit.column + by.column });
  };
  const point = (event: PointerEvent<HTMLDivElement>) => {
    if (field.kind !== 'window') return;
    const at = event.currentTarget.getBoundingClientRect();
    const y = top + ((event.clientY - at.top) / at.height) * box.height;
    const x = left + ((event.clientX - at.left) / at.width) * box.width;
    go({ row: unitNear(field.y, y, map.height), column: unitNear(field.x, x, map.width) });
  };
  return (
    <div
      className="field-sketch"
      role="application"
      aria-label={`The window of unit ${unit.row}, ${unit.column} on the input. Arrow keys move to another unit.`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: its keys move from unit to unit.
      tabIndex={0}
      onKeyDown={press}
      onPointerDown={point}
    >
      <svg viewBox={`${left} ${top} ${box.width} ${box.height}`} aria-hidden="true">
        <rect className="field-input" width={input.width} height={input.height} />
        <rect
          className="field-window"
          x={seen.x.begin}
          y={seen.y.begin}
          width={seen.x.end - seen.x.begin}
          height={seen.y.end - seen.y.begin}
        />
      </svg>
    </div>
  );
}

type UnitInputsProps = {
  readonly map: { readonly height: number; readonly width: number };
  readonly unit: UnitPlace;
  readonly onUnit: (unit: UnitPlace) => void;
};

function UnitInputs({ map, unit, onUnit }: UnitInputsProps) {
  const side = (name: 'row' | 'column', count: number) => (
    <label className="field">
      <span className="field-label">
        {name === 'row' ? 'Row' : 'Column'} (0–{count - 1})
      </span>
      <input
        type="number"
        min={0}
        max={count - 1}
        value={unit[name]}
        onChange={({ target: { valueAsNumber: value } }) => {
          if (Number.isInteger(value) && value >= 0 && value < count)
            onUnit({ ...unit, [name]: value });
        }}
      />
    </label>
  );
  return (
    <div className="pair">
      {side('row', map.height)}
      {side('column', map.width)}
    </div>
  );
}
