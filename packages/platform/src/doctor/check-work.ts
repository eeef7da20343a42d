import { isFinal } from '@umbra/shared/contracts/job';
import type { Finding } from '@umbra/shared/contracts/service-report';
import { umbraVersion } from '@umbra/shared/version';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { queueNames, queueOptions } from '../queues/names.js';
import { createJobProgressStore } from '../redis/job-progress.js';
import { createLossLedger } from '../redis/losses.js';
import { createWorkerRegistry } from '../redis/worker-registry.js';
import { findJobRecord } from '../store/job-records.js';
import { matchKey } from '../store/key-layout.js';
import { keys } from '../store/keys.js';
import type { ObjectStore } from '../store/store.js';
import { ok, problem, warning } from './findings.js';

/** Queue jobs of a queue whose locks are looked at, and active jobs whose records are. */
const maxLooked = 1_000;
/** An active job without a record, or with a final one, is one that is being made or cleaned up. */
const settleMs = 120_000;

/** Check the workers that are alive: there are some, and of this version. */
export async function checkWorkers(redis: Redis): Promise<readonly Finding[]> {
  const workers = await createWorkerRegistry(redis).list();
  if (workers.length === 0) {
    return [
      problem({
        check: 'workers.alive',
        found: 'no worker has sent a heartbeat for 10 s',
        meaning: 'Nothing runs, and nothing is dispatched or swept',
        action: 'Start workers, and look at their logs',
      }),
    ];
  }
  const others = [...new Set(workers.map((one) => one.umbraVersion ?? 'unknown'))].filter(
    (version) => version !== umbraVersion,
  );
  const alive = ok('workers.alive', `${workers.length} workers`);
  if (others.length === 0) return [alive, ok('workers.version', umbraVersion)];
  return [
    alive,
    warning({
      check: 'workers.version',
      found: `${others.join(', ')}, where this command is ${umbraVersion}`,
      meaning: 'Fine during an upgrade; afterwards old workers may not understand new jobs',
      action: 'End the upgrade: see docs/operations/data.md',
    }),
  ];
}

/** Check each queue for work that failed for good, or is held by a process that is gone. */
export async function checkQueues(redis: Redis): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const name of Object.values(queueNames)) {
    const queue = new Queue(name, { connection: redis, ...queueOptions });
    queue.on('error', () => undefined);
    const counts = await queue.getJobCounts('wait', 'active', 'delayed', 'failed');
    const { wait, active, delayed, failed } = {
      wait: 0,
      active: 0,
      delayed: 0,
      failed: 0,
      ...counts,
    };
    const check = `queue.${name}`;
    const held = await queue.getActive(0, maxLooked - 1);
    const locks = await Promise.all(held.map(({ id }) => redis.exists(queue.toKey(`${id}:lock`))));
    const lost = locks.filter((isLocked) => isLocked === 0).length;
    await queue.close();
    const found = `${wait} waiting, ${active} active, ${delayed} delayed, ${failed} failed`;
    if (lost > 0 || failed > 0) {
      findings.push(
        warning({
          check,
          found: `${found}; ${lost} active without a lock`,
          meaning:
            'A process ended at this work; another takes it up within UMBRA_LOCK_MS, and what failed for good stays here',
          action:
            'Check again in a minute; if it stays, look at the log of the worker that runs this step',
        }),
      );
    } else findings.push(ok(check, found));
  }
  return findings;
}

/** Check the markers of active jobs against their records, and whether anything moves. */
export async function checkActiveJobs(
  store: ObjectStore,
  redis: Redis,
): Promise<readonly Finding[]> {
  const trouble: Record<'orphaned' | 'ended' | 'unregistered' | 'still', string[]> = {
    orphaned: [],
    ended: [],
    unregistered: [],
    still: [],
  };
  const progress = createJobProgressStore(redis);
  const registered = await progress.listRegistered();
  let inFlight = 0;
  let looked = 0;
  for await (const { key, modifiedMs } of store.list(keys.allActiveJobs())) {
    const marked = matchKey('activeJob', key);
    if (marked === null || modifiedMs > Date.now() - settleMs) continue;
    if (looked === maxLooked) break;
    looked += 1;
    const job = await findJobRecord(store, marked.tenant, marked.id);
    if (job === null) trouble.orphaned.push(marked.id);
    else if (isFinal(job.state)) trouble.ended.push(marked.id);
    else if (!registered.has(marked.id)) trouble.unregistered.push(marked.id);
    else {
      const [live] = await progress.readAll([marked.id]);
      inFlight += live?.inFlight ?? 0;
      const isStill = job.state === 'in_progress' && live?.inFlight === 0 && !live.isPaused;
      if (isStill) trouble.still.push(marked.id);
    }
  }
  // Jobs wait for each other; that all of them do is no turn.
  if (inFlight > 0) trouble.still = [];
  const words = {
    orphaned: 'have a marker and no record',
    ended: 'have ended and are not cleaned up',
    unregistered: 'are not registered in Redis',
    still: 'are in progress, and no image of any job is queued',
  };
  const findings = (['orphaned', 'ended', 'unregistered', 'still'] as const).flatMap((kind) => {
    const ids = trouble[kind];
    if (ids.length === 0) return [];
    return [
      warning({
        check: `jobs.${kind}`,
        found: `${ids.length} ${words[kind]}: ${ids.slice(0, 5).join(', ')}`,
        meaning: 'The dispatcher puts this right within UMBRA_RESUME_MS',
        action: 'If it stays, no worker dispatches: start one with the step `dispatch`',
      }),
    ];
  });
  return findings.length > 0 ? findings : [ok('jobs.markers', `${looked} active jobs looked at`)];
}

/** Check for images that ended processes, and for models that are set aside since several did. */
export async function checkLosses(redis: Redis): Promise<readonly Finding[]> {
  const losses = createLossLedger(redis);
  const [images, aside] = await Promise.all([losses.listImages(), losses.listSetAside()]);
  const models = [...aside].map(
    ([
      digest,
      {
        name,
        aside: { reason, at },
      },
    ]) => `'${name ?? 'unknown'}' (${digest.slice(0, 12)}) since ${at}: ${reason}`,
  );
  const names = new Set([...aside.values()].map(({ name }) => name ?? 'NAME'));
  const lifting = [...names].map((name) => `\`umbra models retry ${name}\``).join(', ');
  const shown = images
    .slice(0, 5)
    .map(({ jobId, imageId, sha256 }) => `${imageId} of ${jobId} (sha256 ${sha256.slice(0, 12)})`);
  return [
    models.length === 0
      ? ok('models.set-aside', 'none')
      : problem({
          check: 'models.set-aside',
          found: models.join('; '),
          meaning: 'Its jobs end as failed, and new ones are refused',
          action: `Look at the log of the workers for \`process ended at an image\`, mend or replace the model, then ${lifting}`,
        }),
    images.length === 0
      ? ok('images.lost', 'no process ended at an image')
      : warning({
          check: 'images.lost',
          found: `${images.length} images ended processes in the last day: ${shown.join(', ')}`,
          meaning: 'They run apart, and fail with the code `poison` at the second process',
          action:
            'Keep the photos: each is a fault of a library, or of too little memory; see docs/operations/runbooks.md',
        }),
  ];
}
