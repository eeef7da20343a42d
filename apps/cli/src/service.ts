import { createUmbraClient, type UmbraClient } from '@umbra/client';
import { readCliConfig } from './config.js';

/** A client of the service at this address, with the environment's key. */
export function openService(baseUrl: string): UmbraClient {
  return createUmbraClient({ baseUrl, apiKey: readCliConfig().UMBRA_API_KEY });
}

/** How often a terminal asks how far a job is. */
export const pollMs = 200;
