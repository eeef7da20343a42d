import { createUmbraClient, type UmbraClient } from '@umbra/client';
import { readApiKeyOf } from './api-key.js';

/** Flags of every command that speaks to a service. */
export const serviceFlags = {
  api: { type: 'string', default: 'http://127.0.0.1:8080' },
  'key-file': { type: 'string' },
} as const;

export type ServiceFlags = { readonly api: string; readonly 'key-file'?: string | undefined };

/** A client of the service at this address, with the key of a file or of the environment. */
export async function openService(flags: ServiceFlags): Promise<UmbraClient> {
  return createUmbraClient({ baseUrl: flags.api, apiKey: await readApiKeyOf(flags['key-file']) });
}

/** How often a terminal asks how far a job is. */
export const pollMs = 200;
