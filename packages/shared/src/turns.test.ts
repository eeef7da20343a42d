import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createTurns, type TurnsOptions } from './turns.js';

const defaults = { name: 'places', capacity: 2, maxWaiting: 100, maxWaitMs: 60_000, now: () => 0 };
const turnsOf = (options: Partial<TurnsOptions> = {}) => createTurns({ ...defaults, ...options });
const { signal: never } = new AbortController();
const as = (tenant: string, weight = 1) => ({ tenant, signal: never, weight });

test('no more run at once than may, in order, also where some fail', async () => {
  const turns = turnsOf({ maxByOne: 2 });
  const began: number[] = [];
  let running = 0;
  let most = 0;
  const results = await Promise.allSettled(
    Array.from({ length: 7 }, (_, index) =>
      turns.run(as('a'), async () => {
        began.push(index);
        running += 1;
        most = Math.max(most, running);
        await sleep(1);
        running -= 1;
        if (index % 3 === 0) throw new Error('no');
      }),
    ),
  );
  expect(most).toBe(2);
  expect(began).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(3);
  expect([turns.held(), turns.waiting()]).toEqual([0, 0]);
});

test('one tenant leaves a place to the others, and takes the only one', async () => {
  const turns = turnsOf({ capacity: 4 });
  for (let index = 0; index < 3; index++) await turns.take(as('slow'));
  const fourth = turns.take(as('slow'));
  expect([turns.held(), turns.waiting()]).toEqual([3, 1]);
  const giveBack = await turns.take(as('prompt'));
  giveBack();
  giveBack();
  expect([turns.held(), turns.waiting()]).toEqual([3, 1]);
  void fourth;
  const only = turnsOf({ capacity: 1 });
  await only.take(as('a'));
  expect(only.held()).toBe(1);
});

test('waiting tenants take turns, whatever the number of their requests', async () => {
  const turns = turnsOf({ capacity: 1 });
  const order: string[] = [];
  const ask = (tenant: string) => turns.run(as(tenant), async () => void order.push(tenant));
  const first = await turns.take(as('a'));
  const asked = ['a', 'a', 'a', 'b', 'c', 'b'].map(ask);
  first();
  await Promise.all(asked);
  expect(order).toEqual(['a', 'b', 'c', 'a', 'b', 'a']);
});

test('a request that ended gets no turn, before, while and after it waits', async () => {
  const turns = turnsOf({ capacity: 1 });
  const left = new Error('left');
  const giveBack = await turns.take(as('a'));
  const client = new AbortController();
  const waits = turns.take({ tenant: 'b', signal: client.signal });
  client.abort(left);
  await expect(waits).rejects.toBe(left);
  await expect(turns.take({ tenant: 'b', signal: client.signal })).rejects.toBe(left);
  expect(turns.waiting()).toBe(0);
  const later = new AbortController();
  const granted = turns.take({ tenant: 'b', signal: later.signal });
  giveBack();
  later.abort(left);
  await expect(granted).rejects.toBe(left);
  expect(turns.held()).toBe(0);
});

test('a wait has a deadline', async () => {
  const turns = turnsOf({ capacity: 1, maxWaitMs: 20 });
  await turns.take(as('a'));
  await expect(turns.take(as('b'))).rejects.toMatchObject({ code: 'unavailable' });
  expect(turns.waiting()).toBe(0);
});

test('a full queue refuses whoever has most in it, not the newcomer', async () => {
  const turns = turnsOf({ capacity: 1, maxWaiting: 3 });
  await turns.take(as('a'));
  const greedy = ['a', 'a', 'a'].map((tenant) => turns.take(as(tenant)));
  await expect(turns.take(as('a'))).rejects.toMatchObject({ code: 'unavailable' });
  void turns.take(as('b'));
  await expect(greedy[2]).rejects.toMatchObject({ code: 'unavailable' });
  expect(turns.waiting()).toBe(3);
  const none = turnsOf({ capacity: 1, maxWaiting: 0 });
  await none.take(as('a'));
  await expect(none.take(as('b'))).rejects.toMatchObject({ code: 'unavailable' });
});

test('weights are bounded together, and a heavy turn is not overtaken for ever', async () => {
  const turns = turnsOf({ capacity: 100, maxByOne: 75 });
  const whole = await turns.take(as('a', 1_000));
  expect(turns.held()).toBe(75);
  const heavy = turns.take(as('b', 50));
  const light = turns.take(as('c', 10));
  expect(turns.waiting()).toBe(2);
  whole();
  await Promise.all([heavy, light]);
  expect(turns.held()).toBe(60);
});

test('it is stalled while a request finds no place and nothing moves', async () => {
  let nowMs = 0;
  const turns = turnsOf({ capacity: 1, maxWaitMs: 20, now: () => nowMs });
  const giveBack = await turns.take(as('a'));
  nowMs = 1_000;
  expect(turns.stalledMs()).toBe(0);
  await expect(turns.take(as('b'))).rejects.toMatchObject({ code: 'unavailable' });
  nowMs = 5_000;
  // Also after the one who waited was refused.
  expect(turns.stalledMs()).toBe(4_000);
  turns.moved();
  expect(turns.stalledMs()).toBe(0);
  const waits = turns.take(as('b'));
  nowMs = 6_000;
  expect(turns.stalledMs()).toBe(1_000);
  giveBack();
  await waits;
  expect(turns.stalledMs()).toBe(0);
});
