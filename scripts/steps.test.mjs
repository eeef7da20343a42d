import { describe, expect, it } from 'vitest';
import { checkNode } from './lib/install.mjs';
import { repoRoot } from './lib/run.mjs';
import { givenServer } from './lib/s3.mjs';
import { countTests } from './lib/steps.mjs';

const file = { name: `${repoRoot}/packages/some.test.ts` };
const report = {
  numPassedTests: 120,
  numFailedTests: 0,
  numPendingTests: 2,
  numTodoTests: 1,
  success: true,
  testResults: [
    { ...file, status: 'passed', assertionResults: [{ status: 'passed', fullName: 'adds' }] },
  ],
};

describe('countTests', () => {
  it('counts tests', () => {
    expect(countTests(report)).toEqual({ passed: 120, failed: 0, skipped: 3, failures: [] });
  });

  it('counts a file that could not be loaded as a failure', () => {
    const broken = { ...file, status: 'failed', message: 'No such\nfile', assertionResults: [] };
    expect(
      countTests({ ...report, success: false, testResults: [...report.testResults, broken] }),
    ).toEqual({
      ...{ passed: 120, failed: 1, skipped: 3 },
      failures: ['packages/some.test.ts: No such'],
    });
  });

  it('counts a failed test once, and tells what it said first', () => {
    const test = { status: 'failed', fullName: 'adds', failureMessages: ['Error: 3\n at', 'x'] };
    const failed = { ...file, status: 'failed', assertionResults: [test] };
    expect(
      countTests({ ...report, success: false, numFailedTests: 1, testResults: [failed] }),
    ).toMatchObject({ failed: 1, failures: ['packages/some.test.ts: adds: Error: 3'] });
  });

  it('counts a failure in a failed run without failed tests', () => {
    expect(countTests({ ...report, success: false }).failed).toBe(1);
  });
});

describe('checkNode', () => {
  it('accepts 20.19 and newer', () => {
    for (const version of ['20.19.0', '20.20.2', '22.0.0']) {
      expect(() => checkNode(version)).not.toThrow();
    }
    for (const version of ['18.20.0', '20.18.3']) {
      expect(() => checkNode(version)).toThrow(/needs Node.js 20.19 or newer/);
    }
  });
});

describe('givenServer', () => {
  const env = {
    S3_TEST_ENDPOINT: 'http://127.0.0.1:9000',
    S3_TEST_ACCESS_KEY_ID: 'key',
    S3_TEST_SECRET_ACCESS_KEY: 'secret',
  };

  it('is read from the environment, with a default bucket and region', () => {
    expect(givenServer(env)).toMatchObject({
      endpoint: 'http://127.0.0.1:9000',
      bucket: 'umbra-test',
      region: 'us-east-1',
      kind: 'given',
    });
    expect(givenServer({})).toBeUndefined();
  });

  it('names the missing variable', () => {
    expect(() => givenServer({ ...env, S3_TEST_SECRET_ACCESS_KEY: '' })).toThrow(
      /S3_TEST_SECRET_ACCESS_KEY must be set/,
    );
  });
});
