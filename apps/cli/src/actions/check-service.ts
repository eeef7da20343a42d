import { inspectTelemetry } from '@umbra/engine';
import { checkService } from '@umbra/platform/doctor/check-service';
import { guard, ok, warning } from '@umbra/platform/doctor/findings';
import { findDeadFolders } from '@umbra/platform/temporary-folders';
import type { Finding, ServiceReport } from '@umbra/shared/contracts/service-report';
import { unavailable } from '@umbra/shared/errors';
import { umbraVersion } from '@umbra/shared/version';
import { escapeHidden } from '@umbra/shared/visible-text';
import { z } from 'zod';
import { readOperatorConfig } from '../lib/config.js';
import { printJson } from '../lib/output.js';
import { findAllRemains } from '../lib/remains.js';
import { telemetryFinding } from '../lib/telemetry-finding.js';

export type ServiceOptions = { readonly url?: string; readonly json?: boolean };

const timeoutMs = 10_000;
/** More are not counted. */
const maxCounted = 10_000;

/** Print what is wrong with a running service, and what to do. Exits with 1 where there is a problem. */
export async function checkRunning({ url, json = false }: ServiceOptions): Promise<void> {
  const findings = [
    ...(await checkService(readOperatorConfig())),
    ...(await guard('remains', checkRemains)),
    ...(await guard('telemetry', async () => [telemetryFinding(await inspectTelemetry())])),
    ...(url === undefined ? [] : await guard('api', () => checkApi(url))),
  ];
  const report: ServiceReport = {
    version: 1,
    umbraVersion,
    checkedAt: new Date().toISOString(),
    ok: findings.every(({ severity }) => severity !== 'problem'),
    findings,
  };
  if (json) printJson(report);
  else process.stdout.write(`${findings.map(describe).join('\n')}\n`);
  if (!report.ok) process.exitCode = 1;
}

const describe = ({ check, severity, found, meaning, action }: Finding): string =>
  [
    `${severity.padEnd(8)} ${check}: ${found}`,
    ...(meaning === null ? [] : [`         ${meaning}.`]),
    ...(action === null ? [] : [`         To do: ${action}`]),
  ]
    .map(escapeHidden)
    .join('\n');

/** Count what `umbra repair` would delete. */
async function checkRemains(): Promise<Finding[]> {
  const counts = new Map<string, number>();
  let total = 0;
  const count = (kind: string) => {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    total += 1;
  };
  for await (const { kind } of findAllRemains()) {
    count(kind);
    if (total === maxCounted) break;
  }
  for (const _ of await findDeadFolders()) count('folder');
  if (total === 0) return [ok('remains', 'none')];
  const words = [...counts].map(([kind, number]) => `${number} ${kind}`).join(', ');
  return [
    warning({
      check: 'remains',
      found: total < maxCounted ? words : `at least ${words}`,
      meaning: 'Dead processes left this; no list shows it, and no request deletes it',
      action: 'umbra repair --dry-run lists it, and umbra repair deletes it',
    }),
  ];
}

const apiDocument = z.object({ info: z.object({ version: z.string() }) });

/** Check that an API is ready, and of this version. */
async function checkApi(url: string): Promise<Finding[]> {
  const signal = AbortSignal.timeout(timeoutMs);
  const ready = await fetch(new URL('/readyz', url), { signal });
  if (!ready.ok) throw unavailable(`Expected ${url} to be ready, got status ${ready.status}`);
  const answer = await fetch(new URL('/v1/openapi.json', url), { signal });
  const { version } = apiDocument.parse(await answer.json()).info;
  if (version === umbraVersion) return [ok('api.version', version)];
  return [
    warning({
      check: 'api.version',
      found: `${version}, where this command is ${umbraVersion}`,
      meaning: 'Fine during an upgrade; afterwards they may not understand each other',
      action: 'End the upgrade: see docs/operations/data.md',
    }),
  ];
}
