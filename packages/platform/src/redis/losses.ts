import { randomUUID } from 'node:crypto';
import { type SetAside, setAside } from '@umbra/shared/contracts/model';
import type { ErrorReport } from '@umbra/shared/errors';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { redisPrefix } from '../queues/names.js';

/** An image of a job's attempt, run with a model. */
export type ImageAttempt = {
  readonly jobId: string;
  readonly attempt: number;
  readonly item: { readonly id: string; readonly name: string; readonly sha256: string };
  readonly model: { readonly name: string; readonly digest: string };
};

/** What a process for suspects runs of an image. */
export type ApartWork = 'rows' | 'merge';

/** What is known of an image and its model when one of its shards begins. */
export type KnownLosses = {
  /** What was seen of each process that the image ended, in order. */
  readonly seen: readonly string[];
  /** Images that ended their process since a shard of the model succeeded last. */
  readonly imagesOfModel: number;
  /** Whether the image, or so many of its model, was run by workers that are lost: it runs apart. */
  readonly isSuspect: boolean;
  /** Whether `clearModel` has anything to clear. */
  readonly isModelBlamed: boolean;
  /** Why the model is not run; null where it is. */
  readonly setAside: SetAside | null;
};

/** A model that is set aside, and the name that it was run by; null where that cannot be read. */
export type SetAsideModel = { readonly name: string | null; readonly aside: SetAside };

/** An image that ended processes, as the doctor lists it. */
export type SuspectImage = {
  readonly jobId: string;
  readonly imageId: string;
  readonly sha256: string;
};

/**
 * Processes that ended at an image, in Redis: they make its shards run apart, convict it, and set a model
 * aside at which several images end theirs.
 */
export type LossLedger = {
  /** One round trip. */
  read(run: ImageAttempt): Promise<KnownLosses>;
  /**
   * Record that a process ended at an image.
   *
   * @param seen The signal, the exit code, how long it did not end, or `lostWithWorker`.
   * @param of What it ran: rows blame the model as well.
   * @returns What is known from now on.
   */
  record(run: ImageAttempt, seen: string, of?: ApartWork): Promise<KnownLosses>;
  /** Suspect an image that a lost worker ran, perhaps beside others. @param process Names the worker. */
  suspect(run: ImageAttempt, process: string): Promise<void>;
  /** A shard of the model succeeded: what ended processes is not the model. */
  clearModel(digest: string): Promise<void>;
  findSetAside(digest: string): Promise<SetAside | null>;
  /** @returns By digest. */
  listSetAside(): Promise<ReadonlyMap<string, SetAsideModel>>;
  /**
   * Run models again.
   *
   * @param name Lifts all that were set aside under it, too.
   * @returns The digests of those that were set aside.
   */
  lift(digests: readonly string[], name?: string): Promise<string[]>;
  /** @returns The images that ended processes last. */
  listImages(): Promise<SuspectImage[]>;
};

/** Processes that an image may end before it fails for good: one may be ended by what others do. */
const maxDeaths = 2;
/** Such processes and workers together: a worker may be ended by what it ran beside, or from outside. */
const maxLosses = 3;
/** What is seen of a process for suspects that ended with its worker, as where a container's memory ends. */
export const lostWithWorker = 'was lost together with its worker';
/** Lost workers that ran a model, with no success of the model between, before all of its images run apart. */
const maxWorkersOfModel = 2;
/** Images that end their process, with no success of the model between, before it is set aside. */
const maxImagesOfModel = 3;
const keepSeconds = 24 * 3600;
/** Deaths of an image, and images, that are kept. */
const kept = { deaths: 10, images: 1_000 };

const imageKey = ({ jobId, attempt, item }: ImageAttempt): string =>
  `${redisPrefix}:losses:image:${jobId}:${attempt}:${item.id}`;
const suspectKey = (run: ImageAttempt): string => `${imageKey(run)}:suspect`;
const workersKey = (digest: string): string => `${redisPrefix}:losses:workers:${digest}`;
const modelKey = (digest: string): string => `${redisPrefix}:losses:model:${digest}`;
/** Lost images by the time of their last loss. */
const imagesKey = `${redisPrefix}:losses:images`;
/** Models that are set aside, by digest: until they are lifted. */
const setAsideKey = `${redisPrefix}:losses:set-aside`;

/** A command whose reply was lost is sent again: each death has an id, and counts once. */
const recordLoss = `
if not redis.call('LPOS', KEYS[1], ARGV[1]) then
  redis.call('RPUSH', KEYS[1], ARGV[1])
  redis.call('LTRIM', KEYS[1], -ARGV[7], -1)
end
redis.call('EXPIRE', KEYS[1], ARGV[6])
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[11]) then
  redis.call('SADD', KEYS[2], ARGV[2])
  redis.call('EXPIRE', KEYS[2], ARGV[6])
end
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', ARGV[4] - ARGV[6] * 1000)
redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - ARGV[8])
redis.call('EXPIRE', KEYS[3], ARGV[6])
if redis.call('SCARD', KEYS[2]) >= tonumber(ARGV[9]) then
  redis.call('HSETNX', KEYS[4], ARGV[5], ARGV[10])
end
return {redis.call('LRANGE', KEYS[1], 0, -1), redis.call('SCARD', KEYS[2]), redis.call('HGET', KEYS[4], ARGV[5])}`;

export function createLossLedger(redis: Redis): LossLedger {
  const listSetAside = async (): Promise<ReadonlyMap<string, SetAsideModel>> => {
    const found = Object.entries(await redis.hgetall(setAsideKey));
    return new Map(
      found.flatMap(([digest, text]) => {
        const model = parseSetAside(text);
        return model === null ? [] : [[digest, model] as const];
      }),
    );
  };
  return {
    async read(run) {
      // Sent together: one round trip.
      const { digest } = run.model;
      const [seen, imagesOfModel, suspects, workersOfModel, aside] = await Promise.all([
        redis.lrange(imageKey(run), 0, -1),
        redis.scard(modelKey(digest)),
        redis.exists(suspectKey(run)),
        redis.scard(workersKey(digest)),
        redis.hget(setAsideKey, digest),
      ]);
      const isSuspect =
        seen.length + imagesOfModel + suspects > 0 || workersOfModel >= maxWorkersOfModel;
      const isModelBlamed = imagesOfModel + workersOfModel > 0;
      return {
        ...{ seen: seen.map(seenOf), imagesOfModel, isSuspect, isModelBlamed },
        setAside: parseSetAside(aside)?.aside ?? null,
      };
    },
    async record(run, seen, of = 'rows') {
      const { jobId, item, model } = run;
      const nowMs = Date.now();
      // It is shown to every tenant, and so names no image.
      const reason = `${maxImagesOfModel} images one after another ended the processes that ran them with it, the last one with: ${seen}`;
      const aside: StoredSetAside = {
        model: model.name,
        reason,
        at: new Date(nowMs).toISOString(),
      };
      // Losses of the image from which the model is blamed: a lost worker alone says nothing of it.
      const blamedFrom =
        of === 'merge' ? Number.MAX_SAFE_INTEGER : seen === lostWithWorker ? maxLosses : 1;
      const answer = await redis.eval(
        recordLoss,
        4,
        ...[imageKey(run), modelKey(model.digest), imagesKey, setAsideKey],
        ...[
          `${randomUUID()} ${seen}`,
          item.sha256,
          `${jobId} ${item.id} ${item.sha256}`,
          nowMs,
          model.digest,
        ],
        ...[
          keepSeconds,
          kept.deaths,
          kept.images,
          maxImagesOfModel,
          JSON.stringify(aside),
          blamedFrom,
        ],
      );
      const [all, imagesOfModel, found] = answer as [string[], number, string | null];
      const known = { seen: all.map(seenOf), imagesOfModel, isSuspect: true, isModelBlamed: true };
      return { ...known, setAside: parseSetAside(found)?.aside ?? null };
    },
    async suspect(run, process) {
      const workers = workersKey(run.model.digest);
      await Promise.all([
        redis.set(suspectKey(run), process, 'EX', keepSeconds),
        redis.sadd(workers, process),
        redis.expire(workers, keepSeconds),
      ]);
    },
    async clearModel(digest) {
      await redis.del(modelKey(digest), workersKey(digest));
    },
    findSetAside: async (digest) =>
      parseSetAside(await redis.hget(setAsideKey, digest))?.aside ?? null,
    listSetAside,
    async lift(digests, name) {
      const lifted = [...(await listSetAside())]
        .filter(
          ([digest, model]) =>
            digests.includes(digest) || (name !== undefined && model.name === name),
        )
        .map(([digest]) => digest);
      const blamed = [...digests, ...lifted].flatMap((one) => [modelKey(one), workersKey(one)]);
      // The images first: the next loss would set it aside again.
      if (blamed.length > 0) await redis.del(blamed);
      if (lifted.length > 0) await redis.hdel(setAsideKey, ...lifted);
      return lifted;
    },
    async listImages() {
      const since = Date.now() - keepSeconds * 1000;
      const found = await redis.zrevrangebyscore(imagesKey, '+inf', since);
      return found.map((text) => {
        const [jobId = '', imageId = '', sha256 = ''] = text.split(' ');
        return { jobId, imageId, sha256 };
      });
    },
  };
}

/** What was seen of a death, without the id that counts it once. */
const seenOf = (death: string): string => death.slice(death.indexOf(' ') + 1);

/** Whether an image fails of what was seen of the processes that it ended. */
export const isConvicted = (seen: readonly string[]): boolean =>
  seen.length >= maxLosses || seen.filter((one) => one !== lostWithWorker).length >= maxDeaths;

const storedSetAside = setAside.extend({ model: z.string() });
type StoredSetAside = z.output<typeof storedSetAside>;

/** A reason that cannot be read is a reason still: the model stays set aside. */
function parseSetAside(text: string | null): SetAsideModel | null {
  if (text === null) return null;
  const parsed = storedSetAside.safeParse(parse(text));
  if (parsed.success) {
    const { model, ...aside } = parsed.data;
    return { name: model, aside };
  }
  return { name: null, aside: { reason: 'unknown', at: new Date(0).toISOString() } };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Name an image in the words of its failure. */
export const nameImage = ({ item }: Pick<ImageAttempt, 'item'>): string =>
  `${item.name} (${item.id}, sha256 ${item.sha256.slice(0, 12)}…)`;

/** Describe the failure of an image that ended its processes. */
export const describePoison = (
  run: Pick<ImageAttempt, 'item'>,
  seen: readonly string[],
): ErrorReport => ({
  code: 'poison',
  message: `${nameImage(run)} ended the process that ran it ${seen.length} times: ${[...new Set(seen)].join(', ')}`,
});

/** Describe why a model that is set aside is not run. */
export const describeSetAside = (name: string, { reason, at }: SetAside): string =>
  `Model '${name}' was set aside at ${at}: ${reason}; an administrator may try it again`;
