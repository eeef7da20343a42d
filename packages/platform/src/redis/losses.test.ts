import { randomBytes } from 'node:crypto';
import { newJobId } from '@umbra/shared/ids';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import {
  createLossLedger,
  describePoison,
  describeSetAside,
  type ImageAttempt,
  isConvicted,
  type LossLedger,
  lostWithWorker,
} from './losses.js';

let redis: Redis;
let losses: LossLedger;
let model: ImageAttempt['model'];

const hex = () => randomBytes(32).toString('hex');
const runOf = (index: number): ImageAttempt => ({
  jobId: newJobId(),
  attempt: 1,
  item: { id: `img_0000000${index}`, name: `photo-${index}.png`, sha256: hex() },
  model,
});

beforeAll(() => {
  redis = new Redis(inject('redisUrl'));
  losses = createLossLedger(redis);
});
beforeEach(() => {
  model = { name: `tiny-${hex().slice(0, 8)}`, digest: hex() };
});
afterAll(() => redis.disconnect());

describe('the ledger of lost processes', () => {
  test('knows nothing of an image until a process ended at it', async () => {
    const run = runOf(1);
    expect(await losses.read(run)).toEqual({
      seen: [],
      imagesOfModel: 0,
      isSuspect: false,
      isModelBlamed: false,
      setAside: null,
    });
    const known = {
      seen: ['signal SIGSEGV'],
      imagesOfModel: 1,
      isSuspect: true,
      isModelBlamed: true,
      setAside: null,
    };
    expect(await losses.record(run, 'signal SIGSEGV')).toEqual(known);
    expect(await losses.read(run)).toEqual(known);
    // Another attempt of the job begins anew.
    expect((await losses.read({ ...run, attempt: 2 })).seen).toEqual([]);
  });

  test('says what was seen, each once', async () => {
    const run = { ...runOf(7), item: { ...runOf(7).item, sha256: `ab12${'0'.repeat(60)}` } };
    await losses.record(run, 'signal SIGSEGV');
    const { seen } = await losses.record(run, 'signal SIGSEGV');
    expect(describePoison(run, seen)).toEqual({
      code: 'poison',
      message:
        'photo-7.png (img_00000007, sha256 ab1200000000…) ended the process that ran it 2 times: signal SIGSEGV',
    });
  });

  test('sets a model aside at the third image, and not at one image again and again', async () => {
    const run = runOf(1);
    for (let time = 0; time < 4; time++) await losses.record(run, 'exit code 7');
    await losses.record(runOf(2), 'exit code 7');
    expect(await losses.findSetAside(model.digest)).toBeNull();
    const { setAside } = await losses.record(runOf(3), 'exit code 7');
    expect(setAside?.reason).toContain('3 images one after another');
    expect(await losses.findSetAside(model.digest)).toEqual(setAside);
    expect((await losses.listSetAside()).get(model.digest)).toEqual({
      name: model.name,
      aside: setAside,
    });
    if (setAside === null) throw new Error('Expected a reason');
    // Every tenant sees it.
    expect(describeSetAside('tiny', setAside)).not.toContain('photo-');
  });

  test('counts a death once though its command is sent twice', async () => {
    // As ioredis does where the reply was lost with the connection.
    const resending: Redis = Object.assign(Object.create(redis), {
      eval: async (...given: Parameters<Redis['eval']>) => {
        await redis.eval(...given);
        return redis.eval(...given);
      },
    });
    const { seen } = await createLossLedger(resending).record(runOf(1), 'signal SIGKILL');
    expect(seen).toEqual(['signal SIGKILL']);
  });

  test('convicts an image of two processes, or of three with workers that were lost with theirs', async () => {
    const run = runOf(1);
    await losses.record(run, lostWithWorker);
    const { seen: two } = await losses.record(run, lostWithWorker);
    expect(isConvicted(two)).toBe(false);
    const { seen: three, imagesOfModel } = await losses.record(run, lostWithWorker);
    expect(isConvicted(three)).toBe(true);
    // Then alone does it count against its model.
    expect(imagesOfModel).toBe(1);
    expect((await losses.read(run)).seen).toEqual([lostWithWorker, lostWithWorker, lostWithWorker]);
    const other = runOf(2);
    await losses.record(other, 'signal SIGSEGV');
    expect(isConvicted((await losses.record(other, 'signal SIGSEGV')).seen)).toBe(true);
  });

  test('blames no model for what is merged', async () => {
    const { seen, imagesOfModel } = await losses.record(runOf(1), 'signal SIGSEGV', 'merge');
    expect({ seen, imagesOfModel }).toEqual({ seen: ['signal SIGSEGV'], imagesOfModel: 0 });
  });

  test('a success of the model between them clears its images', async () => {
    for (let index = 0; index < 5; index++) {
      await losses.record(runOf(index), 'exit code 7');
      await losses.record(runOf(index + 1), 'exit code 7');
      await losses.clearModel(model.digest);
    }
    expect(await losses.findSetAside(model.digest)).toBeNull();
  });

  test('a model that is lifted runs again, until three other images', async () => {
    for (let index = 0; index < 3; index++) await losses.record(runOf(index), 'exit code 7');
    expect(await losses.lift([model.digest])).toEqual([model.digest]);
    expect(await losses.lift([model.digest])).toEqual([]);
    const { setAside, imagesOfModel } = await losses.record(runOf(4), 'exit code 7');
    expect({ setAside, imagesOfModel }).toEqual({ setAside: null, imagesOfModel: 1 });
  });

  test('lifts those that are named, and no other', async () => {
    const [earlier, other] = [hex(), hex()];
    for (const digest of [earlier, other]) {
      for (let index = 0; index < 3; index++) {
        await losses.record({ ...runOf(index), model: { name: 'net', digest } }, 'exit code 7');
      }
    }
    expect(await losses.lift([])).toEqual([]);
    expect(await losses.lift([hex(), earlier])).toEqual([earlier]);
    expect(await losses.findSetAside(earlier)).toBeNull();
    const again = { ...runOf(4), model: { name: 'net', digest: earlier } };
    expect((await losses.record(again, 'exit code 7')).setAside).toBeNull();
    expect(await losses.findSetAside(other)).not.toBeNull();
    expect(await losses.lift([], 'another')).toEqual([]);
    expect(await losses.lift([], 'net')).toEqual([other]);
  });

  test('a reason that cannot be read sets aside still, and is lifted by its digest', async () => {
    await redis.hset('umbra:losses:set-aside', model.digest, '{"reason":"an older form"}');
    expect((await losses.findSetAside(model.digest))?.reason).toBe('unknown');
    expect((await losses.listSetAside()).get(model.digest)?.name).toBeNull();
    expect(await losses.lift([model.digest])).toEqual([model.digest]);
  });

  test('suspects an image of a lost worker, and all of a model once two workers are lost', async () => {
    const [one, other] = [runOf(1), runOf(2)];
    await losses.suspect(one, 'a worker');
    await losses.suspect(one, 'a worker');
    expect(await losses.read(one)).toMatchObject({ seen: [], isSuspect: true });
    // A success forgets the first, long before a second is lost.
    expect(await losses.read(other)).toMatchObject({ isSuspect: false, isModelBlamed: true });
    await losses.suspect(one, 'another worker');
    expect(await losses.read(other)).toMatchObject({ isSuspect: true });
    await losses.clearModel(model.digest);
    expect(await losses.read(other)).toMatchObject({ isSuspect: false });
    expect(await losses.read(one)).toMatchObject({ isSuspect: true });
  });

  test('lists the images that ended processes, and its keys expire', async () => {
    const run = runOf(5);
    await losses.record(run, 'exit code 7');
    const { jobId, item } = run;
    const listed = { jobId, imageId: item.id, sha256: item.sha256 };
    expect(await losses.listImages()).toContainEqual(listed);
    for (const key of await redis.keys('umbra:losses:[im]*')) {
      expect(await redis.ttl(key)).toBeGreaterThan(0);
    }
  });
});
