import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useCallback, useEffect, useRef, useState } from 'react';
import {
  openUpload,
  type UploadedDataset,
  type Uploading,
  type UploadProgress,
} from '../api/datasets.js';
import { ServiceError } from '../api/http.js';
import { type NamedFile, sizeOf } from '../lib/chosen-files.js';
import { formatBytes } from '../lib/format.js';
import { Flag } from './choices.js';
import { DropZone } from './drop-zone.js';
import { Failures } from './failures.js';
import { Trouble } from './states.js';

export type PhotoUploadProps = {
  /** What is shown in place of the buttons while it takes no photos; null while it does. */
  readonly busy?: ReactNode | null;
  /** Whether names of folders may be labels. */
  readonly canLabel?: boolean;
  readonly onUploaded: (dataset: UploadedDataset, files: readonly NamedFile[]) => void;
  /** Told when photos were chosen, and what was said of those before is old. */
  readonly onStart?: () => void;
};

/** Takes photos and makes a dataset of them, with its progress; it can be cancelled, and goes on after a break. */
export function PhotoUpload({ busy = null, canLabel = false, ...told }: PhotoUploadProps) {
  const [hasLabels, setHasLabels] = useState(false);
  const { progress, error, start, retry, cancel } = useUpload(told.onUploaded);
  const refusals = error instanceof ServiceError ? error.refusals : [];
  return (
    <div className="upload">
      <DropZone
        busy={progress === null ? busy : <Sending progress={progress} onCancel={cancel} />}
        onFiles={(files) => {
          told.onStart?.();
          start(files, canLabel && hasLabels);
        }}
      />
      {canLabel && progress === null && (
        <Flag label="Names of folders are labels" value={hasLabels} onChange={setHasLabels} />
      )}
      {error !== null && (
        <Trouble error={error} {...(refusals.length === 0 && { onRetry: retry })} />
      )}
      {refusals.length > 0 && <Failures title="Refused" failures={refusals} />}
    </div>
  );
}

type Started = { readonly upload: Uploading; readonly files: readonly NamedFile[] };

type OngoingUpload = Started & { readonly leaving: AbortController };

/** One upload at a time, which ends with the page. */
function useUpload(onUploaded: PhotoUploadProps['onUploaded']) {
  const [progress, setProgress] = useState<UploadProgress | null>(null);
  const running = useRef<OngoingUpload | null>(null);
  // What is chosen beside it may change while photos are sent: who is told is who asks at the end.
  const told = useRef(onUploaded);
  useEffect(() => {
    told.current = onUploaded;
  });
  const { mutate, error, reset, isPending } = useMutation({
    mutationFn: ({ upload, leaving }: OngoingUpload) =>
      upload.run({ signal: leaving.signal, onProgress: setProgress }),
  });
  const run = ({ upload, files }: Started) => {
    running.current = { upload, files, leaving: new AbortController() };
    setProgress({ sentBytes: 0, bytes: sizeOf(files), sentFiles: 0, files: files.length });
    mutate(running.current, {
      onSuccess: (dataset) => {
        running.current = null;
        told.current(dataset, files);
      },
    });
  };
  const giveUp = useCallback(() => {
    running.current?.leaving.abort();
    void running.current?.upload.discard();
    running.current = null;
  }, []);
  useEffect(() => giveUp, [giveUp]);
  return {
    progress: isPending ? progress : null,
    error,
    start(files: readonly NamedFile[], hasLabels: boolean) {
      giveUp();
      run({ upload: openUpload(files, { hasLabels }), files });
    },
    retry() {
      if (running.current !== null) run(running.current);
    },
    cancel() {
      giveUp();
      reset();
    },
  };
}

type SendingProps = { readonly progress: UploadProgress; readonly onCancel: () => void };

function Sending({ progress, onCancel }: SendingProps) {
  const { sentBytes, bytes, sentFiles, files } = progress;
  return (
    <div className="sending">
      <p className="drop-words">{sentBytes < bytes ? 'Sending …' : 'Being checked …'}</p>
      <progress className="progress-bar" max={bytes} value={sentBytes} aria-label="Sent" />
      <p className="progress-words">
        {formatBytes(sentBytes)} of {formatBytes(bytes)}
        {files > 1 && ` · ${sentFiles.toLocaleString('en')} of ${files.toLocaleString('en')} files`}
      </p>
      <button type="button" className="button" onClick={onCancel}>
        Cancel
      </button>
    </div>
  );
}
