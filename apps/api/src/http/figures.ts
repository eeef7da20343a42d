import { createHash } from 'node:crypto';
import { type FigurePage, type Network, readBundle, useNetwork } from '@umbra/engine';
import { fetchModel } from '@umbra/platform/store/models';
import { createSemaphore, type Semaphore } from '@umbra/shared/concurrency';
import type { DescribedBundle } from '@umbra/shared/contracts/model';
import type { Size } from '@umbra/shared/occlusion/grid';
import { umbraVersion } from '@umbra/shared/version';
import type { Request, Response } from 'express';
import type { Context } from '../services.js';

type OpenedNetwork = DescribedBundle & { readonly network: Network };

/**
 * Look into a model's network, which comes from the store by way of this machine's disk.
 *
 * @throws {AppError} `not_found` if there is no such model.
 */
export async function useStored<T>(
  { store, config }: Context,
  { name, digest }: { readonly name: string; readonly digest: string },
  size: Size | undefined,
  use: (opened: OpenedNetwork) => Promise<T>,
): Promise<T> {
  const folder = await fetchModel(store, name, digest, config.UMBRA_CACHE_DIR);
  const described = await readBundle(folder);
  return useNetwork(folder, described.bundle, size, (network) => use({ ...described, network }));
}

/** What a request for a picture that clients may keep is answered with. */
export const pictureAnswers = {
  200: { description: 'A picture', content: { 'image/png': 'bytes' } },
  304: { description: 'The client has it already' },
} as const;

/**
 * Answer 304 where the client has what it asks for.
 *
 * @param parts All that the answer depends on, beside this version of the code.
 * @returns Whether that was the answer.
 */
export function isFresh(request: Request, response: Response, parts: readonly unknown[]): boolean {
  const digest = createHash('sha256').update(JSON.stringify([umbraVersion, ...parts]));
  const tag = `"${digest.digest('base64url').slice(0, 27)}"`;
  response.set('ETag', tag);
  // A model's name may stand for another model tomorrow: clients keep the answer, and ask.
  response.set('Cache-Control', 'no-cache');
  // Express's own comparison answers no to clients that send `Cache-Control: no-cache`, as fetch does.
  const known = (request.get('if-none-match') ?? '').split(',').map((one) => one.trim());
  if (!known.some((one) => one === '*' || one.replace(/^W\//, '') === tag)) return false;
  response.status(304).end();
  return true;
}

/** Pictures are drawn one at a time: each may take more than a hundred megabytes. */
export const createDrawingSemaphore = (): Semaphore => createSemaphore(1);

/** Send one page of a figure, with links to its neighbours. */
export function sendPage(request: Request, response: Response, figure: FigurePage): void {
  const { png, page, pages } = figure;
  const link = (to: number, rel: string) => {
    const url = new URL(request.originalUrl, 'http://localhost');
    url.searchParams.set('page', String(to));
    return `<${url.pathname}${url.search}>; rel="${rel}"`;
  };
  const links = [
    ...(page > 1 ? [link(page - 1, 'prev')] : []),
    ...(page < pages ? [link(page + 1, 'next'), link(pages, 'last')] : []),
  ];
  if (links.length > 0) response.set('Link', links.join(', '));
  response.type('image/png').send(png);
}
