import { useQuery } from '@tanstack/react-query';
import { ask, askJson, ServiceError } from './http.js';

/** Who asks, as the service knows it: by a session cookie, which scripts cannot read. */
export type PageIdentity = {
  readonly tenant: string;
  /** Each includes the ones before it. */
  readonly scopes: readonly ('read' | 'submit' | 'admin')[];
  /** `none` where the service asks for no key. */
  readonly authentication: 'key' | 'session' | 'none';
};

/** @returns null while nobody is logged in. */
async function whoAmI(signal: AbortSignal): Promise<PageIdentity | null> {
  try {
    return await askJson<PageIdentity>('/v1/session', { signal });
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'unauthorized') return null;
    throw error;
  }
}

/** Make a session from an API key, which is not kept. @throws {ServiceError} `unauthorized` */
export const logIn = (key: string): Promise<PageIdentity> =>
  askJson<PageIdentity>('/v1/session', {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}` },
  });

export async function logOut(): Promise<void> {
  await ask('/v1/session', { method: 'DELETE' });
}

/** Who is logged in; null while that is not known, or nobody is. */
export const useIdentity = (): PageIdentity | null =>
  useQuery({
    queryKey: ['identity'],
    queryFn: ({ signal }) => whoAmI(signal),
    staleTime: 60_000,
  }).data ?? null;
