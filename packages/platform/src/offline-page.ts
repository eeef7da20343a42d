import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { JobStatus } from '@umbra/shared/contracts/job';
import { AppError, integrity } from '@umbra/shared/errors';
import { answersMark } from '@umbra/shared/offline-page';

/** The page as one file, without answers: what is before their place, and after it. */
export type OfflinePage = { readonly before: string; readonly after: string };

/** An answer of the service that a file keeps. */
export type KeptAnswer = {
  readonly path: string;
  /** Media type. */
  readonly type: string;
  readonly body: Buffer;
};

/** In a checkout and in an image alike. */
const builtPage = fileURLToPath(new URL('../../../apps/web/dist/offline.html', import.meta.url));

/** Read the page as it was built. @throws {AppError} `invalid_input` if it was not. */
export async function readOfflinePage(path = builtPage): Promise<OfflinePage> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new AppError('conflict', "The page is not built: 'npm run build' builds it", {
      cause: error,
    });
  });
  const [before, after, more] = text.split(answersMark);
  if (before === undefined || after === undefined || more !== undefined) {
    throw integrity(`Expected one '${answersMark}' in ${path}: 'npm run build' builds it anew`);
  }
  return { before, after };
}

export const jsonType = 'application/json';

export const jsonAnswer = (path: string, value: unknown): KeptAnswer => ({
  ...{ path, type: jsonType },
  body: Buffer.from(JSON.stringify(value)),
});

/** What others may see of a job: not whom it tells of its events, nor what was noted about it. */
export const jobAnswer = (job: Pick<JobStatus, 'id'>): KeptAnswer =>
  jsonAnswer(`/v1/jobs/${job.id}`, { ...job, webhook: null, metadata: {} });

/** What a path and a media type are made of. */
const plain = /^[\w./?=;+-]+$/;

/**
 * Write an answer as an element of the page. Its content is base64, whose letters mean nothing in HTML,
 * whatever the names and labels in it are.
 *
 * @throws {AppError} `integrity` if its path or type has other characters than the service's have.
 */
export function formatAnswer({ path, type, body }: KeptAnswer): string {
  for (const text of [path, type]) {
    if (!plain.test(text)) throw integrity(`Expected a path or a media type, got '${text}'`);
  }
  return `<script type="text/plain" data-path="${path}" data-type="${type}">${body.toString('base64')}</script>\n`;
}
