import { type PointerEvent, useRef } from 'react';
import { dragRegion, type MapPoint, type RegionFields, readRegion } from '../lib/region.js';
import { LatticeMap, type LatticeMapProps } from './lattice-map.js';

export type RegionMapProps = Omit<LatticeMapProps, 'hasBox'> & {
  /** The box that is drawn, where it is one. */
  readonly fields: RegionFields;
  readonly onFields: (fields: RegionFields) => void;
};

/** A map on which a box is dragged; who uses keys types its sides. */
export function RegionMap({ fields, onFields, ...map }: RegionMapProps) {
  const start = useRef<MapPoint | null>(null);
  const read = readRegion(fields);
  const end = () => {
    start.current = null;
  };
  return (
    <div
      className="region-map"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = pointOf(event);
      }}
      onPointerMove={(event) => {
        const dragged = start.current && dragRegion(start.current, pointOf(event));
        if (dragged !== null) onFields(dragged);
      }}
      onPointerUp={end}
      onPointerCancel={end}
    >
      <LatticeMap {...map} hasBox={false} />
      {'region' in read && <span className="lattice-box" style={{ inset: insetOf(read.region) }} />}
    </div>
  );
}

const insetOf = ({ top, left, bottom, right }: Readonly<Record<keyof RegionFields, number>>) =>
  [top, 1 - right, 1 - bottom, left].map((share) => `${100 * share}%`).join(' ');

function pointOf({ clientX, clientY, currentTarget }: PointerEvent<HTMLDivElement>): MapPoint {
  const { left, top, width, height } = currentTarget.getBoundingClientRect();
  return { x: (100 * (clientX - left)) / width, y: (100 * (clientY - top)) / height };
}
