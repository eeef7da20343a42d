import { parseCookie, stringifySetCookie } from 'cookie';
import type { Request, Response } from 'express';
import { assertSameOrigin } from './same-origin.js';

export const sessionCookie = 'umbra_session';

/**
 * Read the token of the session that a request shows; undefined where it has none.
 *
 * @throws {AppError} `forbidden` where another site may have sent it.
 */
export function readSessionCookie(request: Request): string | undefined {
  const token = parseCookie(request.get('cookie') ?? '')[sessionCookie];
  if (token !== undefined) assertSameOrigin(request);
  return token;
}

/** Have a browser keep a session's token, out of the reach of scripts. @param endsAt ISO 8601. */
export function sendSessionCookie(response: Response, token: string, endsAt: string): void {
  const maxAge = Math.max(1, Math.ceil((Date.parse(endsAt) - Date.now()) / 1000));
  send(response, token, maxAge);
}

/** Have a browser forget its session. */
export function clearSessionCookie(response: Response): void {
  send(response, '', 0);
}

function send(response: Response, value: string, maxAge: number): void {
  // A trusted proxy tells that the client came over https; a browser would not return a secure cookie over http.
  const { secure } = response.req;
  const attributes = { path: '/', httpOnly: true, sameSite: 'strict', secure, maxAge } as const;
  response.append('Set-Cookie', stringifySetCookie({ name: sessionCookie, value, ...attributes }));
}
