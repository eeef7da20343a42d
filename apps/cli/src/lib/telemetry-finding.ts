import type { LibraryTelemetry } from '@umbra/engine';
import { ok, problem } from '@umbra/platform/doctor/findings';
import type { Finding } from '@umbra/shared/contracts/service-report';

const check = 'telemetry';

/** Say whether the library that runs ONNX models tells its vendor of them. */
export function telemetryFinding(library: LibraryTelemetry): Finding {
  const { version, canReport, heedsVariable, isDisabled } = library;
  const name = `onnxruntime ${version}`;
  if (!canReport) return ok(check, `${name} has nowhere to report to`);
  if (!heedsVariable) {
    return problem({
      check,
      found: `${name} reports to its vendor, and heeds no ORT_DISABLE_TELEMETRY`,
      meaning: 'Every process that loads a model tells the vendor of it',
      action:
        'Install the version of package-lock.json (npm ci), and let processes reach Redis and the store alone, as k8s/base/network-policy.yaml does',
    });
  }
  if (isDisabled) return ok(check, `${name}; ORT_DISABLE_TELEMETRY=1 keeps it from reporting`);
  return problem({
    check,
    found: `${name} reports to its vendor: ORT_DISABLE_TELEMETRY is not 1`,
    meaning: 'Every process that loads a model tells the vendor of it',
    action:
      'Set ORT_DISABLE_TELEMETRY=1 for every process, and report this: Umbra sets it by itself',
  });
}
