import type { UmbraClient } from '@umbra/client';
import { escapeHidden } from '@umbra/shared/visible-text';
import { printJson } from '../lib/output.js';
import { openService, type ServiceFlags } from '../lib/service.js';
import { say } from '../lib/terminal.js';

export type ErrorsOptions = ServiceFlags & { readonly json?: boolean };

/** Print the images of a job that failed, a line each, and why the job did. */
export async function errors(id: string, options: ErrorsOptions): Promise<void> {
  const client = await openService(options);
  const job = await client.getJob(id);
  let found = 0;
  for await (const { id: image, name, error } of listFailed(client, id)) {
    found += 1;
    if (options.json) printJson({ id: image, name, error });
    else process.stdout.write(`${escapeHidden(name)}: ${escapeHidden(error?.message ?? '')}\n`);
  }
  if (job.error !== null) say(`Job ${id} ${job.state}: ${escapeHidden(job.error.message)}`);
  const { completed, total } = job.counts;
  say(`${found} failed; ${completed} of ${total} images explained`);
}

async function* listFailed(client: UmbraClient, job: string) {
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const query = { state: 'failed', limit: 100, ...(cursor !== undefined && { cursor }) } as const;
    const params = { path: { job }, query };
    const { data } = await client.api.GET('/v1/jobs/{job}/images', { params });
    yield* data?.data ?? [];
    cursor = data?.next_cursor ?? null;
  }
}
