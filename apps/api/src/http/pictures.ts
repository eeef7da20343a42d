import type { FigurePage } from '@umbra/engine';
import type { Request, Response } from 'express';

/** Answers of an operation whose picture a client may keep and revalidate by its ETag. */
export const pictureAnswers = {
  200: { description: 'A picture', content: { 'image/png': 'bytes' } },
  304: { description: 'The client has it already' },
} as const;

/** Send one page of a figure, with links to the pages around it. */
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
