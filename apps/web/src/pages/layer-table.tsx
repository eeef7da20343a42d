import { type KeyboardEvent, useEffect, useMemo, useRef } from 'react';
import { useSearchParams } from 'wouter';
import type { Layer, LayerList } from '../api/models.js';
import { formatCount } from '../lib/format.js';
import { formatField, formatPair, formatShape, formatWindow } from '../lib/layer-words.js';
import { chooseLayer, formatModelView, type ModelView } from '../lib/model-view.js';
import { SizeForm } from './size-form.js';

export type LayerTableProps = {
  readonly list: LayerList;
  readonly view: ModelView;
  readonly change: (change: Partial<ModelView>) => void;
};

/** How far Page Up and Page Down go. */
const pageRows = 10;

/** Every layer of a network, to search and to choose from by pointer and keys. */
export function LayerTable({ list, view, change }: LayerTableProps) {
  const shown = useMemo(() => findLayers(list.layers, view.find), [list, view.find]);
  const body = useRef<HTMLTableSectionElement>(null);
  const scroll = useRef<HTMLElement>(null);
  const rowOf = (index: number) =>
    body.current?.querySelectorAll<HTMLElement>('.layer-name')[index];
  const chosen = Math.max(
    0,
    shown.findIndex(({ name }) => name === view.layer),
  );
  useShown(scroll, view.layer);
  const move = (event: KeyboardEvent) => {
    const names = [...(body.current?.querySelectorAll('.layer-name') ?? [])];
    const from = names.indexOf(event.target as Element);
    const to = from === -1 ? null : stepOf(event.key, from, names.length);
    if (to === null) return;
    event.preventDefault();
    rowOf(to)?.focus();
  };
  return (
    <div className="layers">
      <div className="layers-head">
        <label className="field layers-find">
          <span className="field-label">Find</span>
          <input
            type="search"
            value={view.find}
            placeholder="name, type or shape"
            onChange={({ target }) => change({ find: target.value })}
          />
        </label>
        <SizeForm list={list} size={view.size} onSize={(size) => change({ size })} />
        <p className="note" role="status">
          {shown.length === list.layers.length
            ? formatCount(shown.length, 'layer')
            : `${shown.length.toLocaleString('en')} of ${formatCount(list.layers.length, 'layer')}`}
        </p>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys. */}
      <section ref={scroll} className="layers-scroll" aria-label="Layers" tabIndex={0}>
        <table className="layers-table">
          <thead>
            <tr>
              <th scope="col" className="layer-number">
                #
              </th>
              <th scope="col">Name</th>
              <th scope="col">Type</th>
              <th scope="col">Output</th>
              <th scope="col">Window</th>
              <th scope="col">Stride</th>
              <th scope="col" className="layer-number">
                Parameters
              </th>
              <th scope="col">Sees, px</th>
              <th scope="col">Step, px</th>
              <th scope="col">First at, px</th>
            </tr>
          </thead>
          <tbody ref={body} onKeyDown={move}>
            {shown.map((layer, index) => (
              <LayerRow key={layer.name} layer={layer} view={view} isTabbed={index === chosen} />
            ))}
          </tbody>
        </table>
        {shown.length === 0 && <p className="note layers-none">No layer has ‘{view.find}’.</p>}
      </section>
      <p className="note">
        Output: maps × rows × columns. A unit is one number of a map; it sees a window of the input,
        the next unit one that is a step on, and the first has its middle where the last column
        says, counted from the first pixel’s.
      </p>
    </div>
  );
}

/** Bring the chosen row into the middle of what scrolls, where it is out of sight; the page stays where it is. */
function useShown(scroll: { readonly current: HTMLElement | null }, layer: string | null): void {
  useEffect(() => {
    const row = scroll.current?.querySelector<HTMLElement>('tr[data-chosen="true"]');
    const pane = scroll.current;
    if (layer === null || pane === null || row === null || row === undefined) return;
    const top = row.offsetTop - pane.scrollTop;
    const isSeen = top > row.offsetHeight && top + row.offsetHeight <= pane.clientHeight;
    if (!isSeen) pane.scrollTop = row.offsetTop - pane.clientHeight / 2;
  }, [scroll, layer]);
}

type LayerRowProps = {
  readonly layer: Layer;
  readonly view: ModelView;
  /** Whether Tab leads to this row: to one of the table. */
  readonly isTabbed: boolean;
};

function LayerRow({ layer, view, isTabbed }: LayerRowProps) {
  const [, setSearch] = useSearchParams();
  const search = formatModelView(chooseLayer(view, layer.name));
  const isChosen = layer.name === view.layer;
  const field = formatField(layer);
  return (
    <tr data-chosen={isChosen}>
      <td className="layer-number">{layer.index}</td>
      <th scope="row">
        <a
          className="layer-name"
          href={`?${search}`}
          tabIndex={isTabbed ? 0 : -1}
          aria-current={isChosen ? 'true' : undefined}
          onClick={(event) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey) return;
            event.preventDefault();
            setSearch(search);
          }}
        >
          {layer.name}
        </a>
      </th>
      <td>{layer.op}</td>
      <td>{formatShape(layer)}</td>
      <td>{formatWindow(layer)}</td>
      <td>{layer.stride === null ? '' : formatPair(layer.stride)}</td>
      <td className="layer-number">
        {layer.parameters === 0 ? '' : layer.parameters.toLocaleString('en')}
      </td>
      <td>{field.size}</td>
      <td>{field.jump}</td>
      <td>{field.start}</td>
    </tr>
  );
}

/** Layers that have every word of a text in their name, type, place or shape. */
function findLayers(layers: readonly Layer[], text: string): readonly Layer[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return layers;
  return layers.filter((layer) => {
    const { index, name, op, kind, convolution, feature } = layer;
    const told = [
      ...[String(index), name, op, kind, formatShape(layer)],
      convolution === null ? '' : `conv:${convolution}`,
      feature === null ? '' : `features:${feature}`,
    ];
    const all = told.join(' ').toLowerCase();
    return words.every((word) => all.includes(word));
  });
}

/** The row that a key leads to. @returns null for a key that leads nowhere. */
function stepOf(key: string, from: number, count: number): number | null {
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: from + 1,
    ArrowUp: from - 1,
    PageDown: from + pageRows,
    PageUp: from - pageRows,
    Home: 0,
    End: count - 1,
  };
  const to = steps[key];
  return to === undefined ? null : Math.min(count - 1, Math.max(0, to));
}
