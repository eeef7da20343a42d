import type { Dataset, Refusal } from '@umbra/shared/contracts/dataset';
import { batchesOf, countWithin, type NamedFile, sizeOf } from '../lib/chosen-files.js';
import { ask, askJson, post, queryOf, ServiceError } from './http.js';
import { collectPages, type ListPage } from './page.js';
import { sendForm } from './send-form.js';

export type { Dataset, Refusal };

/** As many as a page of the list may have. */
const limit = 100;
const maxDatasets = 2_000;

/** List datasets, the newest first; the service lists the oldest first, and so all are asked for. */
export async function listDatasets(signal?: AbortSignal): Promise<readonly Dataset[]> {
  const readPage = (cursor: string | undefined) =>
    askJson<ListPage<Dataset>>(`/v1/datasets${queryOf({ limit, cursor })}`, signal && { signal });
  return (await collectPages(readPage, maxDatasets)).toReversed();
}

/** The files that a dataset refused, with reasons. */
export async function listRefusals(
  dataset: string,
  signal?: AbortSignal,
): Promise<readonly Refusal[]> {
  const response = await ask(`/v1/datasets/${dataset}/refusals`, signal && { signal });
  const lines = (await response.text()).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Refusal);
}

export const getDataset = (id: string, signal?: AbortSignal): Promise<Dataset> =>
  askJson<Dataset>(`/v1/datasets/${id}`, signal && { signal });

export type UploadedDataset = Dataset & { readonly refusals: readonly Refusal[] };

/** How much of an upload the service has. */
export type UploadProgress = {
  readonly sentBytes: number;
  readonly bytes: number;
  readonly sentFiles: number;
  readonly files: number;
};

export type UploadRun = {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: UploadProgress) => void;
};

/** Photos on their way to a dataset. */
export type Uploading = {
  /**
   * Send what is not there yet, and make the dataset: ready, or being validated where it is very large. What is
   * no photo is refused by name, and the others are taken. It may be run again after it failed.
   *
   * @throws {ServiceError} With the refusals, where no file was accepted.
   * @throws The signal's reason.
   */
  run(options: UploadRun): Promise<UploadedDataset>;
  /** Delete what was sent of one that is given up. Never rejects. */
  discard(): Promise<void>;
};

export type UploadLabels = {
  /** Whether the name of its folder is a photo's label. */
  readonly hasLabels?: boolean;
};

const busyCodes: readonly string[] = ['unavailable', 'rate_limited'];
const maxTries = 3;
const pauseMs = 1_000;

/**
 * Prepare to upload photos: few in one request, which leaves nothing where it breaks off; many in batches to an
 * open dataset, one after the other.
 */
export function openUpload(
  given: readonly NamedFile[],
  { hasLabels = false }: UploadLabels = {},
): Uploading {
  const batches = batchesOf(given);
  const query = queryOf({ labels: hasLabels ? 'folder' : undefined });
  const bytes = sizeOf(given);
  const refusals: Refusal[] = [];
  let open: string | null = null;
  let next = 0;

  const send = async (path: string, options: UploadRun): Promise<UploadedDataset> => {
    const batch = batches[next] ?? [];
    const [bytesBefore, batchBytes] = [sizeOf(batches.slice(0, next).flat()), sizeOf(batch)];
    const answer = await patiently(options.signal, () =>
      sendForm<UploadedDataset>(`${path}${query}`, formOf(batch), {
        signal: options.signal,
        // A form is larger than its files, and they are all that is told of.
        onSent(sent) {
          const sentBytes = bytesBefore + Math.min(sent, batchBytes);
          const sentFiles = countWithin(given, sentBytes);
          options.onProgress({ bytes, files: given.length, sentFiles, sentBytes });
        },
      }),
    );
    refusals.push(...answer.refusals);
    next += 1;
    return answer;
  };

  const discard = async () => {
    if (open === null) return;
    const path = `/v1/datasets/${open}`;
    open = null;
    next = 0;
    refusals.length = 0;
    await ask(path, { method: 'DELETE' }).catch(() => undefined);
  };

  return {
    discard,
    async run(options) {
      const { signal } = options;
      if (batches.length === 1) return send('/v1/datasets', options);
      open ??= (await askJson<Dataset>('/v1/datasets', { ...post({}), signal })).id;
      const path = `/v1/datasets/${open}`;
      while (next < batches.length) await send(`${path}/images`, options);
      const { images } = await getDataset(open, signal);
      if (images === 0) {
        const told = [...refusals];
        await discard();
        throw new ServiceError('invalid_input', 'Expected at least one image, got none', {
          refusals: told,
        });
      }
      const closed = await askJson<Dataset>(`${path}/close`, { ...post(), signal });
      return { ...closed, refusals };
    },
  };
}

/** Send again what a busy service did not take. Where there was no answer, somebody is asked first. */
async function patiently<T>(signal: AbortSignal, send: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await send();
    } catch (error) {
      const isBusy = error instanceof ServiceError && busyCodes.includes(error.code);
      if (signal.aborted || tries === maxTries || !isBusy) throw error;
      await new Promise((resolve) => setTimeout(resolve, tries * pauseMs));
    }
  }
}

function formOf(batch: readonly NamedFile[]): FormData {
  const form = new FormData();
  for (const { name, file } of batch) form.append('images', file, name);
  return form;
}
