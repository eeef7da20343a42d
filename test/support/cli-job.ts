import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exitCodeOf } from './exit-code.js';
import {
  makePhotos,
  startService,
  submitJob,
  type TestService,
  uploadPhotos,
  waitForJob,
} from './service.js';

export const umbra = fileURLToPath(new URL('../../apps/cli/bin/umbra.mjs', import.meta.url));
/** Settings of a job whose images take milliseconds. */
export const quickSettings = { patch: 16, stride: 16 };

export type Outcome = { readonly code: number; readonly stdout: string; readonly stderr: string };

export type CliJob = {
  readonly service: TestService;
  /** A folder of its own, for what commands write. */
  readonly folder: string;
  /** A dataset of three photos, and a finished job on it. */
  readonly dataset: string;
  readonly job: string;
  /** Run `umbra` against the service, or another one that `env` names. */
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Outcome>;
  close(): Promise<void>;
};

/** A service with a worker and a finished job, and the command that asks it. */
export async function startCliJob(): Promise<CliJob> {
  const service = await startService();
  await service.startWorker();
  const folder = await mkdtemp(join(tmpdir(), 'umbra-cli-job-'));
  const dataset = await uploadPhotos(service.url, await makePhotos(3));
  const job = await submitJob(service.url, { dataset, model: 'tiny', settings: quickSettings });
  await waitForJob(service.url, job);
  return {
    ...{ service, folder, dataset, job },
    run(args, env = {}) {
      const options = { env: { ...process.env, UMBRA_API_URL: service.url, ...env } };
      return new Promise((resolve) => {
        execFile(process.execPath, [umbra, ...args], options, (error, stdout, stderr) => {
          resolve({ code: exitCodeOf(error), stdout, stderr });
        });
      });
    },
    async close() {
      await service.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
