import { createHash } from 'node:crypto';
import { umbraVersion } from '@umbra/shared/version';
import type { Request, Response } from 'express';

/**
 * Answer 304 where `If-None-Match` names the answer as it is; set its `ETag` in any case.
 *
 * @param parts Everything that the answer depends on, beside this version of the code.
 * @returns Whether the request is answered.
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-if-none-match
 */
export function answerNotModified(
  request: Request,
  response: Response,
  parts: readonly unknown[],
): boolean {
  const digest = createHash('sha256').update(JSON.stringify([umbraVersion, ...parts]));
  const etag = `"${digest.digest('base64url').slice(0, 27)}"`;
  response.set('ETag', etag);
  // Express's own comparison fails for clients that send `Cache-Control: no-cache`, as fetch does.
  const known = request
    .get('if-none-match')
    ?.split(',')
    .map((one) => one.trim());
  if (!known?.some((one) => one === '*' || one.replace(/^W\//, '') === etag)) return false;
  response.status(304).end();
  return true;
}
