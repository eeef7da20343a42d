import { startApi } from '@umbra/api';
import { apiConfig } from '@umbra/api/config';
import { createUmbraClient, followEvents as followEventsOf } from '@umbra/client';
import { readConfig } from '@umbra/platform/config';
import { createJobEventLog, eventChannel } from '@umbra/platform/redis/job-event-log';
import { getJson, putJson } from '@umbra/platform/store/json';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { createApiKey, revokeApiKey } from '@umbra/platform/tenancy/api-keys';
import { firstEventId } from '@umbra/shared/contracts/event';
import { storedJob } from '@umbra/shared/contracts/job';
import { imageIdAt } from '@umbra/shared/ids';
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
let redis: Redis;
const images = 12;

beforeAll(async () => {
  service = await startService({ UMBRA_WINDOW_IMAGES: '2' });
  dataset = await uploadPhotos(service.url, await makePhotos(images));
  redis = new Redis(service.redis.url);
  await service.startWorker();
});
afterAll(async () => {
  redis.disconnect();
  await service.close();
});

const work = (stride: number) => ({
  ...{ dataset, model: 'tiny', settings: { patch: 8, stride } },
  reuse: false,
});
const eventsOf = (job: string) => `${service.url}/v1/jobs/${job}/events`;
const finishedIn = (events: readonly Heard[]) =>
  events.filter(({ name }) => name === 'image').map(({ data }) => (data as { id: string }).id);
const lastState = (events: readonly Heard[]) => {
  const state = events.findLast(({ name }) => name === 'state')?.data;
  return (state as { state: string } | undefined)?.state;
};

async function collect(job: string, options = {}): Promise<Heard[]> {
  const events = [];
  for await (const event of followEvents(eventsOf(job), options)) events.push(event);
  return events;
}

test('a job is followed from its beginning to its end', async () => {
  const job = await submitJob(service.url, work(4));
  const events = await collect(job);
  expect(events.slice(0, 2).map(({ name }) => name)).toEqual(['progress', 'state']);
  expect(lastState(events)).toBe('completed');
  const counts = { total: images, completed: images, failed: 0 };
  expect(events.at(-1)).toMatchObject({ data: { counts } });
  // Before its end, too, a state tells the counts of that moment.
  const states = events.filter(({ name }) => name === 'state').map(({ data }) => data);
  expect(states).toContainEqual({ state: 'finalizing', counts, error: null });
  const finished = finishedIn(events);
  expect(new Set(finished).size).toBe(finished.length);
  const ids = events.slice(2).map(({ id }) => id);
  expect(ids).toEqual([...new Set(ids)]);
});

test('who breaks off goes on without gaps or doubles, as often as it happens', async () => {
  const job = await submitJob(service.url, work(2));
  const whole = collect(job, { lastId: '0-0' });
  const pieces: Heard[] = [];
  for (let lastId = '0-0'; ; ) {
    const stop = new AbortController();
    const before = pieces.length;
    try {
      for await (const event of followEvents(eventsOf(job), { lastId, signal: stop.signal })) {
        pieces.push(event);
        if (pieces.length - before === 3) break;
      }
    } finally {
      stop.abort();
    }
    lastId = pieces.at(-1)?.id ?? lastId;
    if (lastState(pieces) === 'completed') break;
  }
  expect(pieces).toEqual(await whole);
  expect(finishedIn(pieces).toSorted()).toHaveLength(images);
  // It has all there is: a browser is told not to come back.
  const again = await fetch(eventsOf(job), {
    headers: { 'last-event-id': pieces.at(-1)?.id ?? '' },
  });
  expect(again.status).toBe(204);
});

test('a stream ends after some time, and who goes on then misses nothing', async () => {
  const brief = await startService({ UMBRA_WINDOW_IMAGES: '2', UMBRA_MAX_STREAM_MS: '150' });
  try {
    await brief.startWorker();
    const own = await uploadPhotos(brief.url, await makePhotos(images));
    const job = await submitJob(brief.url, { ...work(2), dataset: own });
    const client = createUmbraClient({ baseUrl: brief.url });
    let streams = 0;
    const onOpen = () => {
      streams += 1;
    };
    const path = `/v1/jobs/${job}/events`;
    const events: Heard[] = [];
    const lastEventId = firstEventId;
    for await (const event of followEventsOf(client, path, { lastEventId, onOpen })) {
      events.push({ id: event.id, name: event.event, data: JSON.parse(event.data) });
    }
    expect(streams).toBeGreaterThan(1);
    expect(lastState(events)).toBe('completed');
    expect(finishedIn(events).toSorted()).toEqual(
      Array.from({ length: images }, (_, index) => imageIdAt(index)),
    );
    const ids = events.map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)]);
  } finally {
    await brief.close();
  }
});

test('an event stream ends with its key, and its client is then refused', async () => {
  const keyed = await startService({ UMBRA_AUTH: 'keys', UMBRA_MAX_STREAM_MS: '500' });
  try {
    const admin = await createApiKey(keyed.store, { tenant: 'acme', scopes: ['submit'] });
    const asAdmin = createUmbraClient({ baseUrl: keyed.url, apiKey: admin.text });
    const [photo] = await makePhotos(1);
    const data = new Blob([new Uint8Array(photo?.bytes ?? [])]);
    const { id: own } = await asAdmin.uploadImages([{ name: 'a.png', data }]);
    // No worker: it does not end.
    const { id } = await asAdmin.createJob({ dataset: own, model: 'tiny' });
    const follow = async (key: string, url = keyed.url) => {
      const client = createUmbraClient({ baseUrl: url, apiKey: key });
      for await (const _ of followEventsOf(client, `/v1/jobs/${id}/events`));
    };
    const revoked = await createApiKey(keyed.store, { tenant: 'acme', scopes: ['read'] });
    const following = follow(revoked.text);
    await revokeApiKey(keyed.store, revoked.record.prefix);
    await expect(following).rejects.toMatchObject({ code: 'unauthorized' });
    // A key that ends before its stream would.
    const lasting = await startApi(
      readConfig(apiConfig, { ...keyed.env, UMBRA_MAX_STREAM_MS: '600000' }),
    );
    try {
      const expiresAt = new Date(Date.now() + 2_000);
      const options = { tenant: 'acme', scopes: ['read'] as const, expiresAt };
      const ending = await createApiKey(keyed.store, options);
      await expect(follow(ending.text, lasting.url)).rejects.toMatchObject({
        code: 'unauthorized',
      });
    } finally {
      await lasting.close();
    }
  } finally {
    await keyed.close();
  }
});

test('where the last event is no longer kept, it begins anew and says so', async () => {
  const job = await submitJob(service.url, work(8));
  const events = await collect(job);
  await redis.del(eventChannel('default', job));
  const anew = await collect(job, { lastId: events.at(-1)?.id ?? '' });
  expect(anew.map(({ name }) => name)).toEqual(['reset', 'progress', 'state']);
  expect(lastState(anew)).toBe('completed');
});

test('bad ids are refused, and unknown jobs unknown', async () => {
  const job = await submitJob(service.url, work(8));
  const bad = await fetch(eventsOf(job), { headers: { 'last-event-id': 'one' } });
  expect(bad.status).toBe(400);
  expect((await fetch(eventsOf('job_00000000000000000000'))).status).toBe(404);
});

test('who asks for a job on its last event never reads of one that runs', async () => {
  const quiet = await startService();
  const own = await uploadPhotos(quiet.url, await makePhotos(1));
  const publisher = new Redis(quiet.redis.url);
  const log = createJobEventLog(publisher);
  try {
    for (let round = 0; round < 25; round++) {
      // No worker: the test ends it.
      const id = await submitJob(quiet.url, { ...work(8), dataset: own });
      const poll = async () => {
        const answer = await fetch(`${quiet.url}/v1/jobs/${id}`);
        return ((await answer.json()) as { state: string }).state;
      };
      let isBegun = false;
      for await (const { name, data } of followEvents(`${quiet.url}/v1/jobs/${id}/events`)) {
        if (name !== 'state') continue;
        if ((data as { state: string }).state === 'completed') {
          expect(await poll()).toBe('completed');
          break;
        }
        if (isBegun) continue;
        isBegun = true;
        const key = keys.job(defaultTenant, id);
        const ended = {
          ...(await getJson(quiet.store, key, storedJob)),
          state: 'completed' as const,
        };
        expect(await poll()).toBe('queued');
        await putJson(quiet.store, key, ended);
        const { state, counts, error } = ended;
        await log.add(defaultTenant, id, 'state', { state, counts, error });
      }
    }
  } finally {
    publisher.disconnect();
    await quiet.close();
  }
});

test('hundreds of clients hear the same over one connection to Redis', async () => {
  const quiet = await startService();
  const own = await uploadPhotos(quiet.url, await makePhotos(1));
  const asker = new Redis(quiet.redis.url);
  const clients = async () => Number(/connected_clients:(\d+)/.exec(await asker.info())?.[1]);
  // No worker: its state is what it is until the test says otherwise.
  const job = await submitJob(quiet.url, { ...work(8), dataset: own });
  const before = await clients();
  const heard: Heard[][] = Array.from({ length: 200 }, () => []);
  const following = heard.map(async (events) => {
    for await (const event of followEvents(`${quiet.url}/v1/jobs/${job}/events`))
      events.push(event);
  });
  const all = async (count: number) => {
    while (heard.some((events) => events.length < count))
      await new Promise((resolve) => setTimeout(resolve, 10));
  };
  await all(2);
  expect((await clients()) - before).toBeLessThanOrEqual(1);
  const book = createJobEventLog(asker);
  for (let index = 0; index < 50; index++) {
    const id = `img_${String(index).padStart(8, '0')}`;
    await book.add('default', job, 'image', { id, state: 'completed', error: null });
  }
  const counts = { total: 50, completed: 50, failed: 0 };
  await book.add('default', job, 'state', { state: 'completed', counts, error: null });
  await Promise.all(following);
  for (const events of heard) expect(finishedIn(events)).toHaveLength(50);
  asker.disconnect();
  await quiet.close();
});
