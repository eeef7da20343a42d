import { decodeFloats, decodeInts } from '@umbra/engine';
import { bandChannel } from '@umbra/platform/redis/job-event-log';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { at } from '@umbra/shared/assert';
import { type BandEvent, bandEvent } from '@umbra/shared/contracts/event';
import { imageResult, type ResultFile } from '@umbra/shared/contracts/result';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { followEvents, type Heard } from '../support/follow-events.js';
import {
  makePhotos,
  startService,
  submitJob,
  type TestService,
  uploadPhotos,
} from '../support/service.js';

let service: TestService;
let dataset: string;
const images = 2;
const second = 'img_00000001';

beforeAll(async () => {
  service = await startService();
  dataset = await uploadPhotos(service.url, await makePhotos(images));
});
afterAll(() => service.close());

const submit = () =>
  submitJob(service.url, {
    ...{ dataset, model: 'tiny', rowsPerShard: 1, reuse: false },
    settings: { patch: 8, stride: 4, target: { kind: 'top', k: 2 } },
  });
const eventsOf = (job: string, query: string) => `${service.url}/v1/jobs/${job}/events${query}`;
const bandsIn = (events: readonly Heard[]): BandEvent[] =>
  events.filter(({ name }) => name === 'band').map(({ data }) => bandEvent.parse(data));

/** Begin to follow a job before anything of it runs. */
async function follow(job: string, query: string): Promise<() => Promise<Heard[]>> {
  const events: Heard[] = [];
  const follower = followEvents(eventsOf(job, query));
  events.push((await follower.next()).value);
  return async () => {
    for await (const event of follower) events.push(event);
    return events;
  };
}

const read = (job: string, image: string, file: ResultFile) =>
  service.store.get(keys.result(defaultTenant, job, image, file));

test('who asks for bands hears all scores of the final result, and others hear none', async () => {
  const job = await submit();
  const all = await follow(job, '?bands=true');
  const one = await follow(job, `?bands=true&image=${second}`);
  const none = await follow(job, '');
  await service.startWorker();
  const [allEvents, oneEvents, noEvents] = await Promise.all([all(), one(), none()]);
  expect(bandsIn(noEvents)).toEqual([]);
  const bands = bandsIn(allEvents);
  expect(new Set(bands.map(({ image }) => image)).size).toBe(images);
  expect(bandsIn(oneEvents)).toEqual(bands.filter(({ image }) => image === second));

  const result = imageResult.parse(JSON.parse((await read(job, second, 'result.json')).toString()));
  const { rows, columns } = at(result.grids, 0);
  const [, scores] = split(await read(job, second, 'scores.npy'), 2 * rows * columns * 4);
  const [, classes] = split(await read(job, second, 'predicted-classes.npy'), rows * columns * 4);
  const own = bandsIn(oneEvents).toSorted((a, b) => a.rowStart - b.rowStart);
  expect(own.map(({ rowStart, rowEnd }) => [rowStart, rowEnd])).toEqual(
    Array.from({ length: rows }, (_, row) => [row, row + 1]),
  );
  for (const { rowStart, values } of own) {
    if (values === null) throw new RangeError('Expected a small band to have values');
    const heard = decodeFloats(Buffer.from(values.scores, 'base64'));
    for (const [target, { score, label }] of values.targets.entries()) {
      expect(result.targets[target]).toMatchObject({ score, label });
      for (let column = 0; column < columns; column++) {
        const position = (target * rows + rowStart) * columns + column;
        expect(heard[target * columns + column]).toBe(scores.readFloatLE(position * 4));
      }
    }
    for (const [column, predicted] of decodeInts(
      Buffer.from(values.predictedClasses, 'base64'),
    ).entries()) {
      expect(predicted).toBe(classes.readInt32LE((rowStart * columns + column) * 4));
    }
  }
  // Bands are no part of what is kept: who goes on after an event hears none of them.
  const kept = allEvents.find(({ name }) => name === 'image');
  const after: Heard[] = [];
  const options = { lastId: kept?.id ?? '' };
  for await (const event of followEvents(eventsOf(job, '?bands=true'), options)) after.push(event);
  expect(after.at(-1)).toMatchObject({ name: 'state', data: { state: 'completed' } });
  expect(bandsIn(after)).toEqual([]);
});

test('bands are listened for only where they are asked for, and of one image only with them', async () => {
  const job = await submit();
  const redis = new Redis(service.redis.url);
  const stop = new AbortController();
  try {
    expect(await redis.pubsub('NUMSUB', bandChannel(defaultTenant, job))).toMatchObject([
      expect.any(String),
      0,
    ]);
    const response = await fetch(eventsOf(job, '?bands=true'), { signal: stop.signal });
    expect(response.status).toBe(200);
    expect(await redis.pubsub('NUMSUB', bandChannel(defaultTenant, job))).toMatchObject([
      expect.any(String),
      1,
    ]);
    const bad = await fetch(eventsOf(job, `?image=${second}`));
    expect([bad.status, await bad.text()]).toEqual([400, expect.stringContaining('bands=true')]);
  } finally {
    stop.abort();
    redis.disconnect();
  }
});

/** An array's bytes, and the header before them. */
const split = (file: Buffer, bytes: number): [Buffer, Buffer] => [
  file.subarray(0, file.length - bytes),
  file.subarray(file.length - bytes),
];
