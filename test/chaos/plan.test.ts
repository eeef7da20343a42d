import { expect, test } from 'vitest';
import { createChance } from '../trials/chance.mjs';
import type { Fault } from './fault.mjs';
import { countKills, planRounds } from './plan.mjs';

const fault = (name: string, kills: number, rest: Partial<Fault> = {}): Fault => ({
  name,
  kills,
  stores: ['fs', 's3'],
  run: async () => undefined,
  ...rest,
});
const faults = [
  fault('a worker is killed', 1),
  fault('Redis is wiped', 0),
  fault('S3 is slow', 0, { stores: ['s3'] }),
  fault('an image kills', 3, { isAlone: true }),
];
const plan = (seed: number, isShort = false) =>
  planRounds({ faults, kinds: ['fs', 's3'], kills: 50, isShort }, createChance(seed));

test('a plan has every fault on each of its stores, and as many kills as are asked for', () => {
  for (let seed = 1; seed < 50; seed++) {
    const rounds = plan(seed);
    for (const { name, stores } of faults) {
      for (const kind of stores) {
        const isTried = rounds.some(
          (round) => round.kind === kind && round.faults.some((one) => one.name === name),
        );
        expect(isTried, `${name} on ${kind}, seed ${seed}`).toBe(true);
      }
    }
    expect(countKills(rounds.flatMap((round) => round.faults))).toBeGreaterThanOrEqual(50);
  }
});

test('a round has three faults at most, and one that must be alone has no other', () => {
  for (let seed = 1; seed < 50; seed++) {
    for (const round of plan(seed)) {
      expect(round.faults.length).toBeLessThanOrEqual(3);
      if (round.faults.some(({ isAlone }) => isAlone)) expect(round.faults).toHaveLength(1);
    }
  }
});

test('a seed repeats its plan, and another gives another', () => {
  const names = (seed: number) => plan(seed).map((round) => round.faults.map(({ name }) => name));
  expect(names(7)).toEqual(names(7));
  expect(names(7)).not.toEqual(names(8));
});

test('the short plan tries each fault on one store alone', () => {
  const short = planRounds(
    { faults, kinds: ['fs', 's3'], kills: 0, isShort: true },
    createChance(1),
  );
  const names = short.flatMap((round) => round.faults.map(({ name }) => name));
  expect(names.sort()).toEqual(faults.map(({ name }) => name).sort());
});
