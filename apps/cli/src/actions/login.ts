import { createUmbraClient } from '@umbra/client';
import { parseKey, readKeyFile } from '../lib/api-key.js';
import { askSecret } from '../lib/ask-secret.js';
import { required } from '../lib/flags.js';
import { deleteLogin, loginPath, writeLogin } from '../lib/login-file.js';
import { printJson } from '../lib/output.js';
import { parseAddress } from '../lib/service.js';

export type LoginOptions = {
  readonly url?: string;
  readonly keyFile?: string;
  readonly json?: boolean;
};

/** Keep the address of a service, and a key that it takes, for the commands that follow. */
export async function login(options: LoginOptions): Promise<void> {
  const url = parseAddress(required(options.url, '--url URL'), '--url');
  const { keyFile } = options;
  const text =
    keyFile === undefined
      ? await askSecret(`API key of ${url} (nothing where it asks for none): `)
      : (await readKeyFile(keyFile)).trim();
  const key = text === '' ? null : parseKey(text, keyFile === undefined ? 'stdin' : `'${keyFile}'`);
  const client = createUmbraClient({ baseUrl: url, apiKey: key ?? undefined });
  // A key that is refused is not kept.
  await client.api.GET('/v1/jobs', { params: { query: { limit: 1 } } });
  const path = await writeLogin({ version: 1, url, key });
  if (options.json) printJson({ url, file: path, hasKey: key !== null });
  process.stderr.write(`Commands call ${url} from now on; '${path}' has the key, for you alone\n`);
}

/** Forget what `login` kept. */
export async function logout(): Promise<void> {
  const path = loginPath();
  await deleteLogin();
  process.stderr.write(`'${path}' is deleted; the key itself stays valid until it is revoked\n`);
}
