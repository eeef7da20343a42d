import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { invalidInput } from '@umbra/shared/errors';
import { exitCodes } from '../lib/exit-codes.js';
import { leaveInterruptsToChild } from '../lib/interrupts.js';

export type DemoOptions = { readonly keep?: boolean; readonly json?: boolean };

const script = fileURLToPath(new URL('../../../../scripts/demo.mjs', import.meta.url));

/** Start a service of its own, explain the sample photos through it, and end it. */
export async function demo({ keep, json }: DemoOptions): Promise<void> {
  if (!existsSync(script)) {
    throw invalidInput(
      `Expected the project's own folder, got no '${script}': the demo is part of it`,
    );
  }
  const flags = [...(keep ? ['--keep'] : []), ...(json ? ['--json'] : [])];
  leaveInterruptsToChild();
  const child = spawn(process.execPath, [script, ...flags], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  process.exitCode = code ?? exitCodes.interrupted;
}
