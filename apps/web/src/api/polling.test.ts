import { expect, test } from 'vitest';
import { ServiceError } from './http.js';
import { askEach } from './polling.js';

const interval = askEach<string>((data) => (data === 'ended' ? false : 200));
const ask = (error: Error | null, data?: string) => interval({ state: { data, error } });

test.each(['offline', 'unavailable', 'rate_limited'])('%s may pass, and is asked again', (code) => {
  expect(ask(new ServiceError(code, ''))).toBe(200);
});

test.each(['unauthorized', 'forbidden', 'not_found', 'internal'])('%s is asked once', (code) => {
  expect(ask(new ServiceError(code, ''))).toBe(false);
  expect(ask(new ServiceError(code, ''), 'running')).toBe(false);
});

test('the data says how often', () => {
  expect([ask(null), ask(null, 'running'), ask(null, 'ended')]).toEqual([200, 200, false]);
});
