import type { Job } from '@umbra/client';
import { jobState } from '@umbra/shared/contracts/job';
import { invalidInput } from '@umbra/shared/errors';
import { formatAge } from '../lib/durations.js';
import { parseNumber } from '../lib/flags.js';
import { listJobs } from '../lib/list-jobs.js';
import { printJson } from '../lib/output.js';
import { openService, type ServiceFlags } from '../lib/service.js';
import { alignColumns } from '../lib/summary.js';

export type JobsOptions = ServiceFlags & {
  readonly state?: string;
  readonly text?: string;
  readonly limit: string;
  readonly json?: boolean;
};

/** Print the jobs of a service, the newest first. */
export async function jobs(options: JobsOptions): Promise<void> {
  const { state, text, json } = options;
  const limit = parseNumber(options.limit);
  if (!Number.isInteger(limit) || limit < 1) {
    throw invalidInput(`Expected --limit to be an integer of 1 or more, got '${options.limit}'`);
  }
  if (state !== undefined && !jobState.safeParse(state).success) {
    throw invalidInput(`Expected --state to be ${jobState.options.join(', ')}, got '${state}'`);
  }
  const found = await listJobs(await openService(options), { state, text });
  const shown = found.slice(0, limit);
  if (json) return printJson({ jobs: shown, total: found.length });
  const header = ['job', 'state', 'images', 'failed', 'model', 'created'];
  process.stdout.write(`${alignColumns([header, ...shown.map(cellsOf)])}\n`);
  const more = found.length - shown.length;
  if (more > 0) process.stderr.write(`... and ${more} more: --limit N prints more\n`);
}

const cellsOf = ({ id, state, counts, model, createdAt }: Job): string[] => [
  id,
  state,
  `${counts.completed}/${counts.total}`,
  String(counts.failed),
  model.name,
  formatAge(createdAt),
];
