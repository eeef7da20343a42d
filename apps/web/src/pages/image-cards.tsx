import { Tabs } from '@base-ui/react/tabs';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useIdentity } from '../api/auth.js';
import {
  filePath,
  type ImageOfJob,
  type ImageResult,
  inputPath,
  type ResultFile,
} from '../api/images.js';
import type { JobStatus } from '../api/jobs.js';
import { download } from '../api/pictures.js';
import { has } from '../api/source.js';
import { snippetsOf } from '../lib/snippets.js';
import type { ViewState } from '../lib/view-state.js';
import { FailureWords } from '../parts/states.js';
import { scoresFile } from './result-files.js';

export type SeenInputProps = { readonly of: ImageOfJob; readonly view: ViewState };

/** The model's input with the pinned patch, as the model saw it. */
export function SeenInput({ of, view: { pin, grid } }: SeenInputProps) {
  const path = pin === null ? null : inputPath(of, { ...pin, grid });
  const [failed, setFailed] = useState<string | null>(null);
  return (
    <section className="card">
      <h2>What the model saw</h2>
      {pin === null && <p className="note">Pin a patch to see the photo as the model got it.</p>}
      {pin !== null && path !== null && failed !== path && (
        <img
          className="seen"
          src={path}
          alt={`The input with a patch at row ${pin.row}, column ${pin.column}`}
          onError={() => setFailed(path)}
        />
      )}
      {path !== null && failed === path && <p className="note">It could not be drawn.</p>}
    </section>
  );
}

export type ImageFilesProps = { readonly of: ImageOfJob; readonly result: ImageResult };

export function ImageFiles({ of, result }: ImageFilesProps) {
  const files = [
    ...result.files,
    ...(result.onRequest ?? []),
    'result.json',
  ] as readonly ResultFile[];
  const { mutate, error } = useMutation({
    mutationFn: (file: ResultFile) => download(filePath(of, file), `${stemOf(result)}-${file}`),
  });
  return (
    <section className="card">
      <h2>Download</h2>
      <div className="files">
        {files
          .filter((file) => has(filePath(of, file)))
          .map((file) => (
            <button key={file} type="button" className="button" onClick={() => mutate(file)}>
              {file}
            </button>
          ))}
      </div>
      <FailureWords error={error} />
    </section>
  );
}

/** Name of an image's files on the way out, without an ending. */
export const stemOf = ({ image: { name } }: ImageResult): string =>
  (name.split('/').at(-1) ?? name).replace(/\.\w+$/, '');

export type ImageSnippetsProps = ImageFilesProps & {
  readonly job: JobStatus;
  readonly grid: number;
};

/** The same numbers elsewhere: commands to copy. */
export function ImageSnippets({ of, job, result, grid }: ImageSnippetsProps) {
  const hasKey = useIdentity()?.authentication !== 'none';
  const [copied, setCopied] = useState<string | null>(null);
  const snippets = snippetsOf({
    ...{ origin: location.origin, of, job, hasKey },
    name: result.image.name,
    scores: scoresFile(result, Math.min(grid, result.grids.length - 1), result.grids.length),
  });
  return (
    <section className="card">
      <h2>The same elsewhere</h2>
      <Tabs.Root defaultValue="curl">
        <Tabs.List className="segmented" aria-label="Language">
          {snippets.map(({ name }) => (
            <Tabs.Tab key={name} className="segment" value={name}>
              {name}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {snippets.map(({ name, text }) => (
          <Tabs.Panel key={name} value={name} className="snippet">
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys. */}
            <pre tabIndex={0}>{text}</pre>
            {canCopy() && (
              <button
                type="button"
                className="button"
                onClick={() => {
                  void navigator.clipboard.writeText(text).then(() => setCopied(name));
                }}
              >
                {copied === name ? 'Copied' : 'Copy'}
              </button>
            )}
          </Tabs.Panel>
        ))}
      </Tabs.Root>
    </section>
  );
}

/** Browsers give a clipboard to pages of HTTPS and of this machine alone. */
const canCopy = (): boolean => 'clipboard' in navigator;
