import { isEnded, type Job } from '@umbra/client';
import { escapeHidden } from '@umbra/shared/visible-text';
import { formatAge } from '../lib/durations.js';
import { exitCodes } from '../lib/exit-codes.js';
import { isFine } from '../lib/follow-job.js';
import { printJson } from '../lib/output.js';
import { formatPace, formatTime } from '../lib/progress-bar.js';
import { openService, type ServiceFlags } from '../lib/service.js';

export type StatusOptions = ServiceFlags & { readonly json?: boolean };

/** Print a job as it is now. Exits with 1 where it, or an image of it, failed. */
export async function status(id: string, options: StatusOptions): Promise<void> {
  const job = await (await openService(options)).getJob(id);
  if (options.json) printJson(job);
  else process.stdout.write(`${describe(job).map(escapeHidden).join('\n')}\n`);
  if (!isFine(job)) process.exitCode = exitCodes.failed;
}

function describe(job: Job): string[] {
  const { id, state, counts, model, dataset, positions, createdAt, waitingFor, error } = job;
  const lines: readonly (readonly [string, string | null])[] = [
    ['job', id],
    ['state', state],
    ['images', `${counts.completed} of ${counts.total} explained, ${counts.failed} failed`],
    ['positions', `${positions.done} of ${positions.total ?? 'a number not known yet'}`],
    ['pace', isEnded(job) ? null : describePace(job)],
    ['waiting for', waitingFor],
    ['error', error?.message ?? null],
    ['model', model.name],
    ['dataset', dataset],
    ['created', `${createdAt}, ${formatAge(createdAt)}`],
    ['next', nextStep(job)],
  ];
  return lines.flatMap(([name, text]) => (text === null ? [] : [`${name.padEnd(12)} ${text}`]));
}

function describePace({ positionsPerSecond, etaSeconds }: Job): string {
  const pace =
    positionsPerSecond === null ? 'not known' : `${formatPace(positionsPerSecond)} positions/s`;
  return `${pace}, ${etaSeconds === null ? 'time left unknown' : `${formatTime(etaSeconds)} left`}`;
}

function nextStep(job: Job): string {
  if (!isEnded(job)) return `umbra watch ${job.id}`;
  const fetch = `umbra download ${job.id} --out DIR`;
  return isFine(job) ? fetch : `umbra errors ${job.id}, umbra retry ${job.id}, ${fetch}`;
}
