import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answersMark } from '@umbra/shared/offline-page';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatAnswer, readOfflinePage } from './offline-page.js';

describe('an answer in the page', () => {
  test('is base64, whatever its content has', () => {
    const body = Buffer.from('{"name":"</script><script>alert(1)</script>"}');
    const text = formatAnswer({ path: '/v1/jobs/job_1', type: 'application/json', body });
    const [, content = ''] = /^<script [^<>]*>([A-Za-z0-9+/=]*)<\/script>\n$/.exec(text) ?? [];
    expect(Buffer.from(content, 'base64')).toEqual(body);
  });

  test.each([
    ['/v1/"><script>', 'image/webp'],
    ['/v1/jobs', 'text/html" onload="x'],
  ])('of %s, %s is refused', (path, type) => {
    expect(() => formatAnswer({ path, type, body: Buffer.alloc(1) })).toThrow('Expected a path');
  });
});

describe('the built page', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'umbra-built-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('that is not there is told in words', async () => {
    await expect(readOfflinePage(join(folder, 'none.html'))).rejects.toMatchObject({
      code: 'conflict',
      message: "The page is not built: 'npm run build' builds it",
    });
  });

  test.each(['', `${answersMark} ${answersMark}`])(
    'with no single place for answers is refused: %j',
    async (text) => {
      const path = join(folder, 'odd.html');
      await writeFile(path, text);
      await expect(readOfflinePage(path)).rejects.toThrow(`Expected one '${answersMark}'`);
    },
  );

  test('is cut at that place', async () => {
    const path = join(folder, 'page.html');
    await writeFile(path, `<body>${answersMark}</body>`);
    expect(await readOfflinePage(path)).toEqual({ before: '<body>', after: '</body>' });
  });
});
