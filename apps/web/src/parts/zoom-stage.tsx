import type { Size } from '@umbra/shared/occlusion/grid';
import {
  type KeyboardEvent,
  type PointerEvent,
  type ReactNode,
  useEffect,
  useRef,
  useState,
} from 'react';
import {
  type FramePoint,
  fitInto,
  fittingScale,
  type PictureFrame,
  type Placing,
  panBy,
  zoomAbout,
} from '../lib/placing.js';

export type ZoomStageProps = {
  readonly url: string;
  readonly alt: string;
  /** Beside the buttons that zoom. */
  readonly children?: ReactNode;
};

const stepFactor = 1.5;
/** Share of the frame that an arrow key moves. */
const keyShare = 0.15;
/** Pixels of a wheel that double the picture. */
const wheelPx = 300;

/** A picture to enlarge and move: by buttons, keys, the wheel, one finger and two. */
export function ZoomStage({ url, alt, children }: ZoomStageProps) {
  const stage = useRef<HTMLDivElement>(null);
  const [picture, setPicture] = useState<Size | null>(null);
  const [frame, setFrame] = useState<Size | null>(null);
  const [chosen, setChosen] = useState<Placing | null>(null);
  const sizes = picture === null || frame === null ? null : { picture, frame };
  // Until somebody zooms, all of it is seen, whatever becomes of the window.
  const placing = sizes === null ? null : (chosen ?? fitInto(sizes));
  const change = (next: (placing: Placing, sizes: PictureFrame) => Placing) => {
    if (sizes !== null) setChosen((now) => next(now ?? fitInto(sizes), sizes));
  };
  const zoomAtCentre = (factor: number) =>
    change((now, known) => zoomAbout(now, factor, middleOf(known.frame), known));
  useFrame(stage, setFrame);
  useWheel(stage, (factor, point) => change((now, known) => zoomAbout(now, factor, point, known)));
  const pointers = usePointers(change);
  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || frame === null) return;
    const by = arrows[event.key];
    if (event.key === '+' || event.key === '=') zoomAtCentre(stepFactor);
    else if (event.key === '-') zoomAtCentre(1 / stepFactor);
    else if (event.key === '0') setChosen(null);
    else if (by !== undefined) {
      const step = { x: by.x * keyShare * frame.width, y: by.y * keyShare * frame.height };
      change((now, known) => panBy(now, step, known));
    } else return;
    event.preventDefault();
  };
  const isWhole = placing !== null && sizes !== null && placing.scale <= fittingScale(sizes);
  return (
    <>
      <div
        ref={stage}
        className="zoom-stage"
        data-whole={isWhole}
        role="application"
        aria-label={`${alt}. Plus and minus zoom, arrow keys move, 0 shows all of it.`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: its keys zoom and move the picture.
        tabIndex={0}
        onKeyDown={press}
        {...pointers}
      >
        <img
          className="zoom-picture"
          src={url}
          alt=""
          draggable={false}
          data-enlarged={placing !== null && placing.scale > 1}
          onLoad={({ currentTarget: { naturalWidth: width, naturalHeight: height } }) =>
            setPicture({ width, height })
          }
          style={
            placing === null
              ? { visibility: 'hidden' }
              : {
                  transform: `translate(${placing.x}px, ${placing.y}px) scale(${placing.scale})`,
                }
          }
        />
      </div>
      <div className="zoom-bar">
        <button
          type="button"
          className="button"
          aria-label="Zoom out"
          onClick={() => zoomAtCentre(1 / stepFactor)}
        >
          −
        </button>
        <output className="zoom-scale" aria-label="Zoom">
          {placing === null ? '' : `${Math.round(placing.scale * 100)} %`}
        </output>
        <button
          type="button"
          className="button"
          aria-label="Zoom in"
          onClick={() => zoomAtCentre(stepFactor)}
        >
          +
        </button>
        <button type="button" className="button" onClick={() => setChosen(null)}>
          Fit
        </button>
        <span className="zoom-room" />
        {children}
      </div>
    </>
  );
}

const arrows: Readonly<Record<string, FramePoint>> = {
  ArrowLeft: { x: 1, y: 0 },
  ArrowRight: { x: -1, y: 0 },
  ArrowUp: { x: 0, y: 1 },
  ArrowDown: { x: 0, y: -1 },
};

const middleOf = ({ width, height }: Size): FramePoint => ({ x: width / 2, y: height / 2 });

type StageRef = { readonly current: HTMLDivElement | null };

function useFrame(stage: StageRef, tell: (frame: Size) => void): void {
  useEffect(() => {
    const element = stage.current;
    if (element === null) return;
    const look = () => tell({ width: element.clientWidth, height: element.clientHeight });
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => observer.disconnect();
  }, [stage, tell]);
}

/** Not React's: its listeners cannot keep the page from scrolling. */
function useWheel(stage: StageRef, zoom: (factor: number, point: FramePoint) => void): void {
  const latest = useRef(zoom);
  latest.current = zoom;
  useEffect(() => {
    const element = stage.current;
    if (element === null) return;
    const turn = (event: WheelEvent) => {
      event.preventDefault();
      const { left, top } = element.getBoundingClientRect();
      const point = { x: event.clientX - left, y: event.clientY - top };
      latest.current(2 ** (-event.deltaY / wheelPx), point);
    };
    element.addEventListener('wheel', turn, { passive: false });
    return () => element.removeEventListener('wheel', turn);
  }, [stage]);
}

type Change = (next: (placing: Placing, sizes: PictureFrame) => Placing) => void;

/** One pointer moves the picture; of two, the one that moves zooms it about the other. */
function usePointers(change: Change) {
  const down = useRef(new Map<number, FramePoint>());
  const lift = ({ pointerId }: PointerEvent) => void down.current.delete(pointerId);
  return {
    onPointerDown(event: PointerEvent<HTMLDivElement>) {
      event.currentTarget.setPointerCapture(event.pointerId);
      down.current.set(event.pointerId, pointOf(event));
    },
    onPointerMove(event: PointerEvent<HTMLDivElement>) {
      const before = down.current.get(event.pointerId);
      if (before === undefined) return;
      const now = pointOf(event);
      down.current.set(event.pointerId, now);
      const [other] = [...down.current].filter(([id]) => id !== event.pointerId);
      if (other === undefined) {
        change((placing, sizes) => panBy(placing, between(before, now), sizes));
        return;
      }
      const [, fixed] = other;
      const factor = distance(fixed, now) / Math.max(1, distance(fixed, before));
      change((placing, sizes) => zoomAbout(placing, factor, fixed, sizes));
    },
    onPointerUp: lift,
    onPointerCancel: lift,
  };
}

function pointOf({ clientX, clientY, currentTarget }: PointerEvent<HTMLDivElement>): FramePoint {
  const { left, top } = currentTarget.getBoundingClientRect();
  return { x: clientX - left, y: clientY - top };
}

const between = (from: FramePoint, to: FramePoint): FramePoint => ({
  x: to.x - from.x,
  y: to.y - from.y,
});
const distance = (a: FramePoint, b: FramePoint): number => Math.hypot(a.x - b.x, a.y - b.y);
