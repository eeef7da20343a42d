import { describeSetAside } from '@umbra/platform/redis/losses';
import type { WorkerServices } from '../../services.js';
import type { LoadedJob } from '../tracked-job.js';
import { type StopServices, stopJob } from './stop-job.js';

export type RefuseServices = StopServices & Pick<WorkerServices, 'losses'>;

/** The fleet snapshot is read again by then. */
const lookAgainMs = 1_000;

/** End a job whose model is set aside, unless the model was tried again since that was looked for. */
export async function refuseJob(services: RefuseServices, tracked: LoadedJob): Promise<void> {
  const { name, digest } = tracked.job.model;
  const setAside = await services.losses.findSetAside(digest);
  if (setAside === null) {
    tracked.notBeforeMs = Date.now() + lookAgainMs;
    tracked.dueMs = tracked.notBeforeMs;
    return;
  }
  await stopJob(services, tracked, {
    state: 'failed',
    requestedAt: new Date().toISOString(),
    error: { code: 'poison', message: describeSetAside(name, setAside) },
  });
}
