import { createUmbraClient, type UmbraClient } from '@umbra/client';
import { invalidInput } from '@umbra/shared/errors';
import { readApiKey } from './api-key.js';
import { readCliConfig } from './config.js';
import { parseNumber } from './flags.js';
import { readLogin } from './login-file.js';
import { waitForService } from './patience.js';

/** Flags of every command that calls a service. */
export type ServiceFlags = {
  readonly api?: string | undefined;
  readonly keyFile?: string | undefined;
};
/** Flags of commands that follow a job, and so may outlive a process of the service. */
export type PatientFlags = ServiceFlags & { readonly patience?: string | undefined };

const localService = 'http://127.0.0.1:8080';
const defaultPatience = '600';

/** Open a client of a service, with a key of a file, of the environment or of `umbra login`. */
export async function openService(flags: ServiceFlags): Promise<UmbraClient> {
  const login = await readLogin();
  const given = flags.api ?? readCliConfig().UMBRA_API_URL;
  const baseUrl = parseAddress(given ?? login?.url ?? localService, '--api');
  // The key of one service is sent to no other.
  const ownKey = login?.url === baseUrl ? login.key : null;
  return createUmbraClient({
    baseUrl,
    apiKey: (await readApiKey(flags.keyFile)) ?? ownKey ?? undefined,
  });
}

/** As `openService`: a service that answered once, and then does not, is waited for. */
export async function openPatientService(flags: PatientFlags): Promise<UmbraClient> {
  const seconds = parseNumber(flags.patience ?? defaultPatience);
  if (!(seconds >= 0 && seconds <= 86_400)) {
    throw invalidInput(
      `Expected --patience to be seconds, from 0 to 86400, got '${flags.patience}'`,
    );
  }
  return waitForService(await openService(flags), { limitMs: seconds * 1000 });
}

/** An address without a `/` at its end. @throws {AppError} `invalid_input` */
export function parseAddress(text: string, flag: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) {
    return text.replace(/\/+$/, '');
  }
  throw invalidInput(`Expected ${flag} to be an address as ${localService}, got '${text}'`);
}

/** Interval between two requests for a job's status, ms. */
export const pollMs = 200;
