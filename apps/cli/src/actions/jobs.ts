import type { Job } from '@umbra/client';
import { type JobState, jobState } from '@umbra/shared/contracts/job';
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
  const { text, json } = options;
  const limit = parseNumber(options.limit);
  if (!Number.isInteger(limit) || limit < 1) {
    throw invalidInput(`Expected --limit to be an integer of 1 or more, got '${options.limit}'`);
  }
  const state = parseState(options.state);
  const { jobs: shown, hasMore } = await listJobs(await openService(options), {
    ...{ state, text, limit },
  });
  if (json) return printJson({ jobs: shown });
  const header = ['job', 'state', 'images', 'failed', 'model', 'created'];
  process.stdout.write(`${alignColumns([header, ...shown.map(cellsOf)])}\n`);
  if (hasMore) process.stderr.write('... and older ones: --limit N prints more\n');
}

function parseState(text: string | undefined): JobState | undefined {
  const parsed = jobState.optional().safeParse(text);
  if (parsed.success) return parsed.data;
  throw invalidInput(`Expected --state to be ${jobState.options.join(', ')}, got '${text}'`);
}

const cellsOf = ({ id, state, counts, model, createdAt }: Job): string[] => [
  id,
  state,
  `${counts.completed}/${counts.total}`,
  String(counts.failed),
  model.name,
  formatAge(createdAt),
];
