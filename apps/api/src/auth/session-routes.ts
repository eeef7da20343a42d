import { identity } from '../http/identity.js';
import { operation, type Route, route } from '../http/operation.js';
import type { ApiServices } from '../services.js';
import { earlier } from './identify.js';
import { clearSessionCookie, readSessionCookie, sendSessionCookie } from './session-cookie.js';

export const sessionOperations = {
  begin: operation({
    id: 'logIn',
    method: 'post',
    path: '/v1/session',
    tag: 'sessions',
    scope: 'read',
    keyOnly: true,
    summary: 'Log a browser in: make a session cookie from an API key',
    description:
      'Scripts cannot read the cookie, and browsers send it to this service alone. It allows what its key allows, and ends with the key, at its own end, when the key is logged in too often elsewhere, or by `DELETE`. Where the service asks for no key there is no cookie.',
    answers: {
      200: {
        description: 'Who is logged in',
        content: { 'application/json': identity },
        headers: { 'Set-Cookie': 'The session; absent where the service asks for no key' },
      },
    },
  }),
  show: operation({
    id: 'whoAmI',
    method: 'get',
    path: '/v1/session',
    tag: 'sessions',
    scope: 'read',
    summary: 'Tell who asks: the tenant and the scopes of the key or of the session',
    answers: { 200: { description: 'Who asks', content: { 'application/json': identity } } },
  }),
  end: operation({
    id: 'logOut',
    method: 'delete',
    path: '/v1/session',
    tag: 'sessions',
    scope: null,
    summary: 'Log a browser out: end the session of its cookie',
    description: 'Needs no key; where there is no session nothing happens.',
    problems: ['forbidden'],
    answers: {
      204: {
        description: 'There is no session any more',
        headers: { 'Set-Cookie': 'Has the browser forget its session' },
      },
    },
  }),
};

export function sessionRoutes({
  config,
  sessions,
}: Pick<ApiServices, 'config' | 'sessions'>): Route[] {
  return [
    route(sessionOperations.begin, async ({ identity: asking, response }) => {
      if (asking.keyPrefix === null) return void response.json(asking);
      const end = new Date(Date.now() + config.UMBRA_LOGIN_SECONDS * 1000);
      const endsAt = earlier(end.toISOString(), asking.endsAt);
      const token = await sessions.begin({ keyPrefix: asking.keyPrefix, endsAt });
      sendSessionCookie(response, token, endsAt);
      response.json({ ...asking, authentication: 'session', endsAt });
    }),
    route(sessionOperations.show, ({ identity: asking, response }) => {
      response.json(asking);
    }),
    route(sessionOperations.end, async ({ request, response }) => {
      const token = readSessionCookie(request);
      if (token !== undefined) await sessions.end(token);
      clearSessionCookie(response);
      response.set('Cache-Control', 'no-store').status(204).end();
    }),
  ];
}
