import { contentsPath, type OfflineContents } from '@umbra/shared/offline-page';
import type { AnswerSource } from '../api/source.js';
import { countRows, pageOfRows } from './kept-rows.js';

/** What an offline page has: of which job, and its answers. */
export type KeptAnswers = { readonly contents: OfflineContents; readonly source: AnswerSource };

/**
 * Find the answers that a document keeps, each in a block of its own, as base64 by path and media type.
 * They are decoded when they are asked for, and not before.
 *
 * @throws {Error} If it keeps none.
 */
export function findAnswers(document: Document): KeptAnswers {
  const blocks = new Map<string, HTMLElement>();
  for (const block of document.querySelectorAll<HTMLElement>('script[data-path]')) {
    blocks.set(block.dataset.path ?? '', block);
  }
  const told = blocks.get(contentsPath);
  if (told === undefined) throw new Error('Expected a file with a job, got none in it');
  const contents = JSON.parse(new TextDecoder().decode(bytesOf(told))) as OfflineContents;
  const base = `/v1/jobs/${contents.job}`;
  const answer = (path: string): Response => {
    // One that runs would tell how far it is; those that are kept have all ended.
    const block = blocks.get(path.replace(/\/partial$/, '/result.json'));
    if (block !== undefined) {
      return new Response(bytesOf(block), { headers: { 'Content-Type': typeOf(block) } });
    }
    const { pathname, searchParams } = new URL(path, 'http://kept');
    if (pathname === `${base}/rows` || pathname === `${base}/images`) {
      return Response.json(pageOfRows(contents.rows, searchParams));
    }
    if (pathname === `${base}/rows/facets`) {
      return Response.json(countRows(contents.rows, searchParams));
    }
    const detail = 'This file does not have it: it holds a part of what its service has.';
    return Response.json({ code: 'not_found', detail }, { status: 404 });
  };
  const source: AnswerSource = {
    images: contents.rows.filter(({ state }) => state === 'completed').map(({ id }) => id),
    answer: async (path) => answer(path),
    has: (path) => blocks.has(path),
    addressOf(path) {
      const block = blocks.get(path);
      return block === undefined ? null : `data:${typeOf(block)};base64,${block.textContent}`;
    },
  };
  return { contents, source };
}

const typeOf = ({ dataset }: HTMLElement): string => dataset.type ?? 'application/octet-stream';

const bytesOf = ({ textContent }: HTMLElement): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(textContent ?? ''), (character) => character.charCodeAt(0));
