import { afterEach, expect, test, vi } from 'vitest';
import { followJob, type ToldEvent } from './events.js';

afterEach(() => void vi.unstubAllGlobals());

/** A service whose answers are these, in turn. @returns The ids that it was asked to go on after. */
function answer(answers: readonly (() => Response)[]): (string | null)[] {
  const asked: (string | null)[] = [];
  vi.stubGlobal('fetch', async (_path: string, init: RequestInit) => {
    asked.push(new Headers(init.headers).get('last-event-id'));
    const next = answers[asked.length - 1];
    if (next === undefined) throw new TypeError('Expected no more requests');
    return next();
  });
  return asked;
}

const image = (id: string) => `id: ${id}\nevent: image\ndata: {"id":"img_${id}"}\n\n`;
const stream = (text: string) => () => new Response(text);
const problem = (status: number, code: string) => () =>
  new Response(JSON.stringify({ code, detail: code }), { status });
const ended = () => new Response(null, { status: 204 });

test('a job is followed across the ends of streams, as soon as the service says, and across refusals', async () => {
  const asked = answer([
    stream(`retry: 5\n\n${image('1')}`),
    stream(`retry: 5\n\n${image('2')}retry: 5\n\n`),
    stream('retry: 5\n\n'),
    problem(503, 'unavailable'),
    stream(`retry: 5\n\n${image('3')}`),
    ended,
  ]);
  const told: ToldEvent[] = [];
  const before = performance.now();
  await followJob('job_1', (event) => told.push(event), new AbortController().signal);
  expect(told.map(({ data }) => data)).toEqual(['img_1', 'img_2', 'img_3'].map((id) => ({ id })));
  expect(asked).toEqual([null, '1', '2', '2', '2', '3']);
  // The refusal takes a second; four ends of streams would take another four.
  expect(performance.now() - before).toBeLessThan(4_000);
});

test('a refusal for good ends it', async () => {
  answer([problem(401, 'unauthorized')]);
  const following = followJob('job_1', () => undefined, new AbortController().signal);
  await expect(following).rejects.toMatchObject({ code: 'unauthorized' });
});
