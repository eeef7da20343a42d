import { printJson } from '../lib/output.js';
import { openService, type ServiceFlags } from '../lib/service.js';
import { say } from '../lib/terminal.js';

export type RetryOptions = ServiceFlags & { readonly json?: boolean };

/** Run the images of an ended job that failed, or were not run. */
export async function retry(job: string, options: RetryOptions): Promise<void> {
  const client = await openService(options);
  // Whatever is no success is thrown.
  const { data } = await client.api.POST('/v1/jobs/{job}/retry', { params: { path: { job } } });
  if (data === undefined) return;
  if (options.json) printJson(data);
  say(`Job ${job} runs again, attempt ${data.attempt}: 'umbra watch ${job}' follows it`);
}
