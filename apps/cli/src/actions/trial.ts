import type { Trial, TrialOptions, UmbraClient } from '@umbra/client';
import { trialRequest } from '@umbra/shared/contracts/trial';
import { invalidInput } from '@umbra/shared/errors';
import { formatAge } from '../lib/durations.js';
import { exitCodes } from '../lib/exit-codes.js';
import { describeIssues, parseNumber } from '../lib/flags.js';
import { comingBackBy } from '../lib/interrupts.js';
import { printJson } from '../lib/output.js';
import { createProgressBar } from '../lib/progress-bar.js';
import { openPatientService, type PatientFlags, pollMs } from '../lib/service.js';
import { alignColumns } from '../lib/summary.js';
import { say } from '../lib/terminal.js';
import { describeTrial, describeTried, signedPoints } from '../lib/trial-words.js';
import { cutToWidth } from '../lib/words.js';

export type TrialFlags = PatientFlags & {
  readonly cluster?: string;
  readonly class?: string;
  readonly index?: string;
  readonly region?: string;
  readonly images?: string;
  readonly seed?: string;
  readonly cancel?: string;
  readonly wait: boolean;
  readonly json?: boolean;
};

/** Run a trial and tell what it shows; without one, list those of the job. */
export async function trial(job: string, options: TrialFlags): Promise<void> {
  const wish = parseWish(options);
  const client = await openPatientService(options);
  if (options.cancel !== undefined) {
    const cancelled = await client.cancelTrial(job, options.cancel);
    say(`Trial ${cancelled.id} is being cancelled`);
    if (options.json) printJson(cancelled);
    return;
  }
  if (wish === null) return listTrials(client, job, options);
  const made = await client.createTrial(job, wish);
  say(`Trial ${made.id}`);
  const ended = options.wait ? await followTrial(client, made) : made;
  if (options.json) printJson(ended);
  else if (ended.result !== null) process.stdout.write(`${describeTrial(ended)}\n`);
  if (!options.wait || ended.state === 'completed') return;
  say(`Trial ${ended.id} ${ended.state}${ended.error === null ? '' : `: ${ended.error.message}`}`);
  process.exitCode = exitCodes.failed;
}

/** @returns null where no trial is wished. @throws {AppError} `invalid_input` */
function parseWish({
  cluster,
  region,
  index,
  images,
  seed,
  ...flags
}: TrialFlags): TrialOptions | null {
  const { class: name } = flags;
  const isNone = [cluster, name, index, region, images, seed].every((flag) => flag === undefined);
  if (isNone) return null;
  if (
    (cluster === undefined) === (name === undefined) ||
    (name === undefined) !== (region === undefined) ||
    (index !== undefined && name === undefined)
  ) {
    throw invalidInput('Expected --cluster N, or --class NAME and --region TOP,LEFT,BOTTOM,RIGHT');
  }
  const of =
    cluster === undefined
      ? {
          ...{ kind: 'region', class: name, region: parseRegion(region ?? '') },
          ...(index !== undefined && { index: parseNumber(index) }),
        }
      : { kind: 'cluster', cluster: parseNumber(cluster) };
  const parsed = trialRequest.safeParse({
    of,
    ...(images !== undefined && { images: parseNumber(images) }),
    ...(seed !== undefined && { seed: parseNumber(seed) }),
  });
  if (parsed.success) return parsed.data;
  const flagAt = (path: readonly string[]): string => `--${path[0] === 'of' ? path[1] : path[0]}`;
  throw invalidInput(describeIssues(parsed.error.issues, [], flagAt));
}

/** @throws {AppError} `invalid_input` */
function parseRegion(text: string) {
  const [top, left, bottom, right, ...more] = text.split(',').map(parseNumber);
  if (right !== undefined && more.length === 0) return { top, left, bottom, right };
  throw invalidInput(`Expected --region TOP,LEFT,BOTTOM,RIGHT, each from 0 to 1, got '${text}'`);
}

async function followTrial(client: UmbraClient, { job, id }: Trial): Promise<Trial> {
  const bar = createProgressBar('images');
  const again = `trial ${id} runs on; 'umbra trial ${job}' lists it, 'umbra trial ${job} --cancel ${id}' ends it`;
  const ended = await comingBackBy(again, () =>
    client.waitForTrial(job, id, {
      pollMs,
      onStatus({ progress }) {
        if (progress.total > 0) bar.update(progress);
      },
    }),
  );
  bar.end();
  return ended;
}

async function listTrials(client: UmbraClient, job: string, { json }: TrialFlags): Promise<void> {
  const trials = await client.listTrials(job);
  if (json) return printJson({ trials });
  const header = ['trial', 'of', 'state', 'images', 'covered, points', 'elsewhere', 'created'];
  const table = alignColumns([header, ...trials.map(cellsOf)]);
  process.stdout.write(`${cutToWidth(table)}\n`);
}

function cellsOf(one: Trial): string[] {
  const { id, state, result, createdAt } = one;
  const change = (arm: { readonly difference: { readonly mean: number } } | undefined): string =>
    arm === undefined ? '' : signedPoints(arm.difference.mean);
  return [
    ...[id, describeTried(one), state, String(result?.cover.images ?? '')],
    ...[change(result?.cover), change(result?.coverElsewhere), formatAge(createdAt)],
  ];
}
