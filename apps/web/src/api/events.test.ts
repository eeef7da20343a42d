import { afterEach, expect, test, vi } from 'vitest';
import { followJob, type JobListener } from './events.js';

afterEach(() => void vi.unstubAllGlobals());

/** A service whose answers are these, in turn. */
function answer(answers: readonly (() => Response)[]): void {
  const left = [...answers];
  vi.stubGlobal('fetch', async () => {
    const next = left.shift();
    if (next === undefined) throw new TypeError('Expected no more requests');
    return next();
  });
}

/** Hears what is told, as words. */
function listen(): [JobListener, string[]] {
  const told: string[] = [];
  const listener: JobListener = {
    begun: () => void told.push('begun'),
    wants: () => true,
    band: ({ image }) => void told.push(image),
    imageEnded: (image) => void told.push(`${image} ended`),
  };
  return [listener, told];
}

const state = (name: string) => `event: state\ndata: {"state":"${name}"}\n\n`;
const image = (id: string) => `event: image\ndata: {"id":"img_${id}"}\n\n`;
const stream = (text: string) => () => new Response(`retry: 5\n\n${text}`);
const problem = (status: number, code: string) => () =>
  new Response(JSON.stringify({ code, detail: code }), { status });

test('a job is followed across the ends of streams, as soon as the service says, and across refusals', async () => {
  answer([
    stream(`${state('running')}${image('1')}`),
    stream(`${state('running')}${image('2')}`),
    stream(''),
    problem(503, 'unavailable'),
    stream(`${state('running')}${image('3')}${state('completed')}`),
  ]);
  const [listener, told] = listen();
  const before = performance.now();
  await followJob({ job: 'job_1' }, listener, new AbortController().signal);
  const expected = ['begun', 'img_1 ended', 'begun', 'img_2 ended', 'begun', 'img_3 ended'];
  expect(told).toEqual(expected);
  // The refusal takes a second; the ends of streams would take another three.
  expect(performance.now() - before).toBeLessThan(3_500);
});

test('a refusal for good ends it', async () => {
  answer([problem(401, 'unauthorized')]);
  const [listener] = listen();
  const following = followJob({ job: 'job_1' }, listener, new AbortController().signal);
  await expect(following).rejects.toMatchObject({ code: 'unauthorized' });
});
