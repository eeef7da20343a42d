import { expect, test } from 'vitest';
import { secretsAt } from './webhook.js';

test('the secret before a rotation signs as well, until its time is over', () => {
  const until = '2026-01-02T00:00:00.000Z';
  const rotated = { secret: 'new', previous: { secret: 'old', until } };
  expect(secretsAt(rotated, new Date('2026-01-01T23:59:59Z'))).toEqual(['new', 'old']);
  expect(secretsAt(rotated, new Date(until))).toEqual(['new']);
  expect(secretsAt({ secret: 'only' }, new Date(until))).toEqual(['only']);
});
