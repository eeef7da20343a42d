import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { isTelemetryDisabled } from './no-telemetry.js';

/** What onnxruntime's library, as it is installed here, could tell its vendor. */
export type LibraryTelemetry = {
  readonly version: string;
  /** It holds the address that reports go to. */
  readonly canReport: boolean;
  /** It knows the variable that keeps it from reporting. */
  readonly heedsVariable: boolean;
  /** The variable is set in this process. */
  readonly isDisabled: boolean;
};

const address = 'events.data.microsoft.com';
const variable = 'ORT_DISABLE_TELEMETRY';

/**
 * Look into the library's files, without loading it.
 *
 * @param folder Its package.
 */
export async function inspectTelemetry(folder = packageFolder()): Promise<LibraryTelemetry> {
  const text = await readFile(join(folder, 'package.json'), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  const ours = join(process.platform, process.arch);
  const names = await readdir(join(folder, 'bin'), { recursive: true });
  let canReport = false;
  let heedsVariable = false;
  for (const name of names.filter((one) => dirname(one).endsWith(ours))) {
    const content = await readFile(join(folder, 'bin', name));
    canReport ||= content.includes(address);
    heedsVariable ||= content.includes(variable);
  }
  return { version, canReport, heedsVariable, isDisabled: isTelemetryDisabled() };
}

const packageFolder = (): string =>
  dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
