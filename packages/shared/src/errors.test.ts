import { describe, expect, test } from 'vitest';
import { AppError, type ErrorCode, errorCodes, hasCode, notFound, reportError } from './errors.js';

test('only faults that may pass are retried', () => {
  const retried = (Object.keys(errorCodes) as ErrorCode[]).filter(
    (code) => new AppError(code, '').retryable,
  );
  expect(retried).toEqual(['unavailable', 'internal']);
});

test('the cause is kept', () => {
  const cause = new Error('deep down');
  expect(new AppError('internal', 'above', { cause }).cause).toBe(cause);
});

describe('hasCode', () => {
  test('knows errors by code, also after a journey as JSON', () => {
    const error = notFound('gone');
    const travelled: unknown = JSON.parse(JSON.stringify({ code: error.code, message: 'gone' }));
    for (const found of [error, travelled]) {
      expect(hasCode(found)).toBe(true);
      expect(hasCode(found, 'not_found')).toBe(true);
      expect(hasCode(found, 'conflict')).toBe(false);
    }
  });

  test.each([
    ['a system error', Object.assign(new Error('x'), { code: 'ENOENT' })],
    ['a name of Object’s prototype', { code: 'toString' }],
    ['a number', { code: 404 }],
    ['null', null],
    ['text', 'not_found'],
  ])('does not take %s for ours', (_, value) => {
    expect(hasCode(value)).toBe(false);
  });
});

test('a report holds code and message, and nothing else', () => {
  expect(reportError(notFound('gone'))).toEqual({ code: 'not_found', message: 'gone' });
  expect(reportError(new TypeError('bug'))).toEqual({ code: 'internal', message: 'bug' });
  expect(reportError('thrown text')).toEqual({ code: 'internal', message: 'thrown text' });
});
