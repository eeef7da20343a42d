import { expect, test } from 'vitest';
import { telemetryFinding } from './telemetry-finding.js';

const library = { version: '9.9.9', canReport: true, heedsVariable: true, isDisabled: true };

test.each([
  [library, 'ok', 'onnxruntime 9.9.9; ORT_DISABLE_TELEMETRY=1 keeps it from reporting'],
  [{ ...library, canReport: false }, 'ok', 'onnxruntime 9.9.9 has nowhere to report to'],
  [{ ...library, heedsVariable: false }, 'problem', 'heeds no ORT_DISABLE_TELEMETRY'],
  [{ ...library, isDisabled: false }, 'problem', 'ORT_DISABLE_TELEMETRY is not 1'],
] as const)('a library as %j is found %s: %s', (given, severity, found) => {
  const finding = telemetryFinding(given);
  expect(finding).toMatchObject({ severity, found: expect.stringContaining(found) });
  expect(finding.action === null).toBe(severity === 'ok');
});
