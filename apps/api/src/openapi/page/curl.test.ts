import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { describeWholeApi } from '../whole.js';
import { writeCurl } from './curl.js';
import type { ShownDocument } from './shown.js';

const { paths, components } = describeWholeApi() as unknown as ShownDocument;
const commandOf = (method: string, path: string): string => {
  const operation = paths[path]?.[method];
  if (operation === undefined) throw new Error(`Expected ${method} ${path}`);
  return writeCurl({ method, path, operation }, components.schemas);
};

test('a command has the key, the required parameters and fields, and a place for bytes', () => {
  expect(commandOf('post', '/v1/jobs')).toBe(
    [
      'curl -X POST \\',
      '  "$API/v1/jobs" \\',
      '  -H "Authorization: Bearer $UMBRA_API_KEY" \\',
      '  -H "Content-Type: application/json" \\',
      `  -d '{"dataset":"ds_...","model":"..."}'`,
    ].join('\n'),
  );
  expect(commandOf('get', '/healthz')).toBe('curl "$API/healthz"');
  const picture = commandOf('get', '/v1/jobs/{job}/images/{image}/receptive-field.png');
  expect(picture).toContain('"$API/v1/jobs/$JOB/images/$IMAGE/receptive-field.png?layer=$LAYER');
  expect(picture).toMatch(/-o FILE$/);
});

test('a form has its own fields', () => {
  expect(commandOf('post', '/v1/datasets/{dataset}/images')).toMatch(/ -F images=@photo.jpg$/);
  expect(commandOf('post', '/v1/explain')).toContain('-F "model=$MODEL" \\\n  -F image=@photo.jpg');
});

test('a shell reads every command as one', () => {
  for (const [path, methods] of Object.entries(paths)) {
    for (const method of Object.keys(methods)) {
      const script = `curl() { printf '%s\\n' "$@"; }\nset -e\n${commandOf(method, path)}`;
      const env = { API: 'http://127.0.0.1' };
      const words = execFileSync('sh', ['-c', script], { env, encoding: 'utf8' }).split('\n');
      expect(
        words.find((word) => word.startsWith('http://127.0.0.1/')),
        path,
      ).toBeDefined();
    }
  }
});
