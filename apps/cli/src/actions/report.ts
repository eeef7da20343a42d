import type { JobReport, ReportDifference, ReportOptions, UmbraClient } from '@umbra/client';
import { downloadReport } from '@umbra/client/files';
import { checkGate, type Gate, parseGate } from '@umbra/report';
import { reportRequest } from '@umbra/shared/contracts/report';
import { AppError, invalidInput } from '@umbra/shared/errors';
import { formatDifference } from '../lib/difference-summary.js';
import { exitCodes } from '../lib/exit-codes.js';
import { describeIssues, parseNumber } from '../lib/flags.js';
import { askForReport, followReport } from '../lib/follow-report.js';
import { comingBackBy } from '../lib/interrupts.js';
import { resolveNewFile } from '../lib/new-file.js';
import { printJson } from '../lib/output.js';
import { type PageFlags, parsePageFlags, writePage } from '../lib/report-page.js';
import { formatReport } from '../lib/report-summary.js';
import { openPatientService, type PatientFlags } from '../lib/service.js';
import { say } from '../lib/terminal.js';
import { cutToWidth } from '../lib/words.js';

type RequestFlags = {
  readonly groupBy?: string;
  readonly layer?: string;
  readonly others?: readonly string[];
  readonly patches?: string;
};

export type ReportFlags = PatientFlags &
  PageFlags &
  RequestFlags & {
    readonly parquet?: string;
    readonly against?: string;
    readonly failIf?: readonly string[];
    readonly wait: boolean;
  };

/** Make the report of a job, tell what it says, and write it in the forms that are asked for. */
export async function report(id: string, options: ReportFlags): Promise<void> {
  const gate = parseGates(options);
  const request = parseRequest(options);
  checkWait(options);
  const page = options.html === undefined ? null : await parsePageFlags(options, options.html);
  const table = options.parquet && (await resolveNewFile(options.parquet, '--parquet', '.parquet'));
  const client = await openPatientService(options);
  // As it was before there were reports: the file is of a job as it is.
  if (page !== null && !wantsReport(options, request)) return writePage(client, id, page);
  const status = await askForReport(client, id, request);
  if (!options.wait) {
    say(`The report of job ${id} is ${status.state}; 'umbra report ${id}' follows it`);
    if (options.json) printJson(status);
    return;
  }
  await makeReport(client, id);
  if (table) {
    await downloadReport(client, id, table, 'parquet');
    say(table);
  }
  checkGates(gate, await tellReport(client, id, options));
  if (page !== null) await writePage(client, id, { ...page, json: false });
}

/** Whether anything is asked for that only a report gives. */
const wantsReport = (
  { parquet, against, failIf, wait }: ReportFlags,
  request: ReportOptions | null,
): boolean =>
  request !== null || !wait || [parquet, against, failIf].some((flag) => flag !== undefined);

/** @throws {AppError} `invalid_input` */
function checkWait({ wait, html, parquet, against, failIf }: ReportFlags): void {
  if (wait) return;
  const flags = { '--html': html, '--parquet': parquet, '--against': against, '--fail-if': failIf };
  for (const [flag, value] of Object.entries(flags)) {
    if (value !== undefined) throw invalidInput(`Expected ${flag} without --no-wait`);
  }
}

/** @returns null where nothing was wished. @throws {AppError} `invalid_input` */
function parseRequest({ groupBy, layer, others, patches }: RequestFlags): ReportOptions | null {
  const given = {
    ...(groupBy !== undefined && { groupBy }),
    ...(layer !== undefined && { layer }),
    ...(others !== undefined && { others }),
    ...(patches !== undefined && { patches: parseNumber(patches) }),
  };
  if (Object.keys(given).length === 0) return null;
  const parsed = reportRequest.safeParse(given);
  if (parsed.success) return parsed.data;
  throw invalidInput(describeIssues(parsed.error.issues));
}

/** @throws {AppError} `conflict` if it cannot be made. */
async function makeReport(client: UmbraClient, id: string): Promise<void> {
  const again = `the report is made all the same; 'umbra report ${id}' follows it`;
  const { error } = await comingBackBy(again, () => followReport(client, id));
  if (error !== null) throw new AppError('conflict', `The report failed: ${error.message}`);
}

/** What a report says, and where it is held against another job's, what differs. */
type ToldReport = {
  readonly metrics: JobReport['metrics'];
  readonly difference: ReportDifference | null;
};

/** Print a report, or what differs from that of another job. */
async function tellReport(
  client: UmbraClient,
  id: string,
  { against, json }: ReportFlags,
): Promise<ToldReport> {
  const report = await client.getReport(id);
  const difference = against === undefined ? null : await client.compareReports(id, against);
  if (json) printJson(difference ?? report);
  else {
    const text = difference === null ? formatReport(report) : formatDifference(difference);
    process.stdout.write(`${cutToWidth(text)}\n`);
  }
  return { metrics: report.metrics, difference };
}

/** @throws {AppError} `invalid_input` */
function parseGates({ failIf = [], against }: ReportFlags): Gate {
  const gate = parseGate(failIf);
  const change = gate.find(({ isChange }) => isChange);
  if (change === undefined || against !== undefined) return gate;
  throw invalidInput(`Expected --against JOB, since --fail-if '${change.text}' asks for a change`);
}

/** Say of each condition whether it holds, and end with a code of its own where one must not. */
function checkGates(gate: Gate, told: ToldReport): void {
  for (const { text, metric, value, isBroken } of checkGate(gate, told)) {
    const known = value === null ? `${metric} is not known` : `${metric} is ${value}`;
    say(`--fail-if '${text}': ${known}, ${isBroken ? 'so this fails' : 'which is all right'}`);
    if (isBroken) process.exitCode = exitCodes.gate;
  }
}
