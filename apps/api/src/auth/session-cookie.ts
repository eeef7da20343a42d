import { parseCookie, stringifySetCookie } from 'cookie';
import type { Request, Response } from 'express';
import { assertSameOrigin } from './same-origin.js';

export const sessionCookie = 'umbra_session';
/** Its name over https: browsers take it from this host alone, so that no page of a sibling host can plant one. */
const hostCookie = `__Host-${sessionCookie}`;

/**
 * Read the token of the session that a request shows; undefined where it has none.
 *
 * @throws {AppError} `forbidden` where another site may have sent it.
 */
export function readSessionCookie(request: Request): string | undefined {
  // Over https never the plain name: where a browser has no session, that one may be planted.
  const token = parseCookie(request.get('cookie') ?? '')[nameFor(request)];
  if (token !== undefined) assertSameOrigin(request);
  return token;
}

/** Have a browser keep a session's token, out of the reach of scripts. @param endsAt ISO 8601. */
export function sendSessionCookie(response: Response, token: string, endsAt: string): void {
  const maxAge = Math.max(1, Math.ceil((Date.parse(endsAt) - Date.now()) / 1000));
  send(response, nameFor(response.req), token, maxAge);
}

/** Have a browser forget its session. */
export function clearSessionCookie(response: Response): void {
  for (const name of new Set([sessionCookie, nameFor(response.req)])) send(response, name, '', 0);
}

/** A trusted proxy tells that the client came over https; a browser would not return a secure cookie over http. */
const nameFor = ({ secure }: Request): string => (secure ? hostCookie : sessionCookie);

function send(response: Response, name: string, value: string, maxAge: number): void {
  const { secure } = response.req;
  const attributes = { path: '/', httpOnly: true, sameSite: 'strict', secure, maxAge } as const;
  response.append('Set-Cookie', stringifySetCookie({ name, value, ...attributes }));
}
