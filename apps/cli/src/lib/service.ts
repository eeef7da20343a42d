import { createUmbraClient, type UmbraClient } from '@umbra/client';
import { readApiKey } from './api-key.js';

/** Flags of every command that calls a service. */
export type ServiceFlags = { readonly api: string; readonly keyFile?: string | undefined };

/** Open a client of the service at an address, with the key of a file or of the environment. */
export async function openService(flags: ServiceFlags): Promise<UmbraClient> {
  return createUmbraClient({ baseUrl: flags.api, apiKey: await readApiKey(flags.keyFile) });
}

/** Interval between two requests for a job's status, ms. */
export const pollMs = 200;
