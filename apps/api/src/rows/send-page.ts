import type { Response } from 'express';
import type { RowPage } from './query-rows.js';

/** Answer with a page, whose rows are JSON as they were read. */
export function sendPage(response: Response, { rows, nextCursor, total }: RowPage): void {
  const rest = JSON.stringify({ next_cursor: nextCursor, total }).slice(1);
  response.type('application/json').send(`{"data":[${rows.join(',')}],${rest}`);
}
