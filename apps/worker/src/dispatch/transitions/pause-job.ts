import { writeJob } from '../../jobs/job-record.js';
import type { JobStateServices } from '../../jobs/publish-events.js';
import type { LoadedJob } from '../tracked-job.js';

export async function pauseJob(services: JobStateServices, tracked: LoadedJob): Promise<void> {
  const pausedAt = new Date().toISOString();
  tracked.job = await writeJob(services, tracked, { state: 'paused', pausedAt });
}

export async function resumeJob(services: JobStateServices, tracked: LoadedJob): Promise<void> {
  tracked.job = await writeJob(services, tracked, { state: 'in_progress', pausedAt: null });
}
