import { type DragEvent, type ReactNode, useRef, useState } from 'react';
import { type ChosenFiles, filesOfDrop, filesOfList, type NamedFile } from '../lib/chosen-files.js';

export type DropZoneProps = {
  /** What is shown in its place while it takes none; null while it does. */
  readonly busy: ReactNode | null;
  readonly onFiles: (files: readonly NamedFile[]) => void;
};

/** Takes photos that are dropped, alone or in folders, chosen, or chosen as a folder. */
export function DropZone({ busy, onFiles }: DropZoneProps) {
  const [isOver, setOver] = useState(false);
  const [unread, setUnread] = useState<readonly string[]>([]);
  const isBusy = busy !== null;
  const take = (given: ChosenFiles) => {
    setUnread(given.unread);
    if (given.files.length > 0 && !isBusy) onFiles(given.files);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void filesOfDrop(event.dataTransfer).then(take);
  };
  const choose = (list: FileList | null) => take(filesOfList(list ?? []));
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
      {busy ?? (
        <>
          <p className="drop-words">Drop photos here</p>
          <div className="row">
            <ChooseButton isFirst words="Choose photos" onFiles={choose} />
            <ChooseButton isFolder words="Choose a folder" onFiles={choose} />
          </div>
          <p className="note">
            JPEG, PNG or WebP, or a zip or tar of them. They stay on this service.
          </p>
        </>
      )}
      {unread.length > 0 && (
        <p className="bad" role="alert">
          {describeUnread(unread)}
        </p>
      )}
    </section>
  );
}

const maxNamed = 3;

function describeUnread(names: readonly string[]): string {
  const more = names.length > maxNamed ? ` and ${names.length - maxNamed} more` : '';
  return `Not read: ${names.slice(0, maxNamed).join(', ')}${more}.`;
}

type ChooseButtonProps = {
  readonly words: string;
  readonly isFirst?: boolean;
  readonly isFolder?: boolean;
  readonly onFiles: (files: FileList | null) => void;
};

/** A button that opens a file dialog. */
function ChooseButton({ words, isFirst, isFolder, onFiles }: ChooseButtonProps) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button
        type="button"
        className={isFirst ? 'button button-first' : 'button'}
        onClick={() => input.current?.click()}
      >
        {words}
      </button>
      <input
        ref={input}
        type="file"
        accept="image/*,.zip,.tar,.tgz,.gz"
        multiple
        hidden
        aria-label={words}
        webkitdirectory={isFolder ? '' : undefined}
        onChange={(event) => {
          onFiles(event.currentTarget.files);
          event.currentTarget.value = '';
        }}
      />
    </>
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
