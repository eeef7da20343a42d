import type { Decision } from '../decide.js';
import type { LoadedJob } from '../tracked-job.js';
import { type FinalizeServices, finalizeJob } from './finalize-job.js';
import { forgetJob } from './forget-job.js';
import type { LoadServices } from './load-job.js';
import { pauseJob, resumeJob } from './pause-job.js';
import { type RefuseServices, refuseJob } from './refuse-job.js';
import type { RequeueServices } from './requeue-lost.js';
import { type StartServices, startJob } from './start-job.js';
import { stopJob } from './stop-job.js';
import { type ValidateServices, validateJob } from './validate-job.js';

/** What all transitions of a job take together. */
export type TransitionServices = LoadServices &
  ValidateServices &
  StartServices &
  FinalizeServices &
  RefuseServices &
  RequeueServices;

/** Run the transition that was decided. @returns Whether the job is tracked any longer. */
export async function runTransition(
  services: TransitionServices,
  tracked: LoadedJob,
  transition: Decision,
): Promise<'keep' | 'forget'> {
  switch (transition.do) {
    case 'validate':
      await validateJob(services, tracked);
      break;
    case 'start':
      await startJob(services, tracked);
      break;
    case 'pause':
      await pauseJob(services, tracked);
      break;
    case 'resume':
      await resumeJob(services, tracked);
      break;
    case 'end':
      await stopJob(services, tracked, transition.ending);
      break;
    case 'refuse':
      await refuseJob(services, tracked);
      break;
    case 'finalize':
      await finalizeJob(services, tracked);
      break;
    case 'forget':
      return (await forgetJob(services, tracked)) ? 'forget' : 'keep';
    case 'dispatch':
    case 'wait':
      break;
  }
  return 'keep';
}
