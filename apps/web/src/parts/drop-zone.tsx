import { type DragEvent, useRef, useState } from 'react';

export type DropZoneProps = {
  readonly isBusy: boolean;
  readonly onFiles: (files: readonly File[]) => void;
};

/** Takes photos that are dropped, pasted by a file dialog, or chosen as a folder. */
export function DropZone({ isBusy, onFiles }: DropZoneProps) {
  const [isOver, setOver] = useState(false);
  const files = useRef<HTMLInputElement>(null);
  const take = (list: FileList | null) => {
    const given = [...(list ?? [])];
    if (given.length > 0 && !isBusy) onFiles(given);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files);
  };
  return (
    <section
      className="drop"
      aria-label="Photos"
      data-over={isOver}
      aria-busy={isBusy}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <PatchSketch />
      <p className="drop-words">{isBusy ? 'Sending …' : 'Drop photos here'}</p>
      <button
        type="button"
        className="button button-first"
        disabled={isBusy}
        onClick={() => files.current?.click()}
      >
        Choose photos
      </button>
      <input
        ref={files}
        type="file"
        accept="image/*"
        multiple
        hidden
        aria-label="Photos"
        onChange={(event) => {
          take(event.currentTarget.files);
          event.currentTarget.value = '';
        }}
      />
      <p className="note">JPEG, PNG or WebP. They stay on this service.</p>
    </section>
  );
}

const side = 6;
const covered = [14, 15, 20, 21];

/** A grid with a patch on it: what is about to happen. */
const PatchSketch = () => (
  <svg className="sketch" viewBox="0 0 78 78" aria-hidden="true">
    {Array.from({ length: side * side }, (_, index) => index).map((index) => (
      <rect
        key={index}
        x={(index % side) * 13 + 0.5}
        y={Math.floor(index / side) * 13 + 0.5}
        width={12}
        height={12}
        rx={2}
        data-covered={covered.includes(index)}
      />
    ))}
  </svg>
);
