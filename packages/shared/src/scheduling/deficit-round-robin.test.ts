import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRoundRobin, type Flow } from './deficit-round-robin.js';

/** What each flow was served, while all of them always have work. */
function serve(flows: readonly Flow[], turns: number): Map<string, number> {
  const robin = createRoundRobin();
  const served = new Map(flows.map(({ id }) => [id, 0]));
  for (let turn = 0; turn < turns; turn++) {
    const id = robin.next(flows) ?? '';
    const cost = flows.find((flow) => flow.id === id)?.cost ?? Number.NaN;
    served.set(id, (served.get(id) ?? Number.NaN) + cost);
  }
  return served;
}

describe('deficit round robin', () => {
  test('nobody is served when nobody has work', () => {
    expect(createRoundRobin().next([])).toBeNull();
  });

  test('equal flows take turns', () => {
    const robin = createRoundRobin();
    const flows = ['a', 'b', 'c'].map((id) => ({ id, weight: 1, cost: 5 }));
    const order = Array.from({ length: 6 }, () => robin.next(flows));
    expect(order).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  });

  test('a flow of small pieces gets as much as one of large pieces', () => {
    const served = serve(
      [
        { id: 'large', weight: 1, cost: 100 },
        { id: 'small', weight: 1, cost: 1 },
      ],
      1010,
    );
    expect(served).toEqual(
      new Map([
        ['large', 1000],
        ['small', 1000],
      ]),
    );
  });

  test('a flow that comes later is served within a round', () => {
    const robin = createRoundRobin();
    const old = { id: 'old', weight: 1, cost: 3 };
    for (let turn = 0; turn < 100; turn++) robin.next([old]);
    const both = [old, { id: 'new', weight: 1, cost: 3 }];
    expect([robin.next(both), robin.next(both), robin.next(both)]).toContain('new');
  });

  test('what is served differs from the weights by at most the pieces of one round', () => {
    const flow = fc.record({
      weight: fc.integer({ min: 1, max: 10 }),
      cost: fc.integer({ min: 1, max: 50 }),
    });
    fc.assert(
      fc.property(fc.array(flow, { minLength: 2, maxLength: 6 }), (given) => {
        const flows = given.map((one, at) => ({ ...one, id: `flow ${at}` }));
        const served = serve(flows, 2000);
        const quantum = Math.max(...flows.map(({ cost, weight }) => cost / weight));
        const rounds = flows.map(({ id, weight }) => (served.get(id) ?? 0) / weight);
        const largest = Math.max(...flows.map(({ cost, weight }) => cost / weight));
        expect(Math.max(...rounds) - Math.min(...rounds)).toBeLessThanOrEqual(
          quantum + 2 * largest + 1e-6,
        );
      }),
    );
  });
});
