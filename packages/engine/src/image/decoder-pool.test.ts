import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defaultLimits } from './decode.js';
import { type DecodeTask, decodeHere } from './decode-task.js';
import { openDecoderPool } from './decoder-pool.js';
import { inspectImage, isolateDecoding } from './decoding.js';

let folder: string;
let entry: URL;
/** The real process, which dies or hangs at photos of these widths. */
const fatalSource = `
  const deadly = { 61: () => process.kill(process.pid, 'SIGSEGV'), 62: () => process.exit(7), 63: () => { for (;;); } };
  process.on('message', ({ bytes }) => deadly[bytes.readUInt32BE(16)]?.());
  await import(${JSON.stringify(new URL('../../dist/image/decode-process.js', import.meta.url).href)});
`;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-decoders-'));
  const path = join(folder, 'fatal.mjs');
  await writeFile(path, fatalSource);
  entry = pathToFileURL(path);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const limits = defaultLimits;
const inspect: DecodeTask = { kind: 'inspect', limits };
const photo = (width: number): Promise<Buffer> =>
  sharp({ create: { width, height: 40, channels: 3, background: '#a36' } })
    .png()
    .toBuffer();

describe('decoding in child processes', () => {
  test('gives what decoding here gives, and the same refusals', async () => {
    const pool = openDecoderPool({ processes: 2 });
    try {
      const bytes = await photo(50);
      const tasks: DecodeTask[] = [
        inspect,
        { kind: 'size', limits },
        {
          kind: 'pixels',
          limits,
          resize: { width: 20, height: 16, fit: 'fill' },
          extract: { left: 2, top: 1, width: 10, height: 12 },
        },
      ];
      const [there, here] = await Promise.all([
        Promise.all(tasks.map((task) => pool.run(bytes, task))),
        Promise.all(tasks.map((task) => decodeHere(bytes, task))),
      ]);
      expect(there).toEqual(here);
      const broken = bytes.subarray(0, 60);
      const refusal = await decodeHere(broken, inspect).catch((error: Error) => error.message);
      await expect(pool.run(broken, inspect)).rejects.toMatchObject({
        code: 'invalid_input',
        message: refusal,
      });
    } finally {
      pool.close();
    }
  });

  test.each([
    [61, 'signal SIGSEGV'],
    [62, 'exit code 7'],
  ])('a photo that kills it fails by itself, with what was seen (%i px)', async (width, seen) => {
    let deaths = 0;
    const pool = openDecoderPool({ processes: 1, entry, onDeath: () => (deaths += 1) });
    try {
      const [deadly, next] = await Promise.allSettled([
        pool.run(await photo(width), inspect),
        pool.run(await photo(50), inspect),
      ]);
      expect(deadly).toMatchObject({
        reason: {
          code: 'invalid_input',
          message: expect.stringMatching(
            new RegExp(`killed 2 processes while decoding \\(${seen}; sha256 [0-9a-f]{64}\\)`),
          ) as string,
        },
      });
      expect(next).toMatchObject({ value: { width: 50, height: 40 } });
      expect(deaths).toBe(2);
    } finally {
      pool.close();
    }
  });

  test('a photo whose decoding does not end fails at its deadline', async () => {
    const pool = openDecoderPool({ processes: 1, entry, timeoutMs: 1_500 });
    try {
      await pool.run(await photo(50), inspect);
      await expect(pool.run(await photo(63), inspect)).rejects.toMatchObject({
        code: 'invalid_input',
        message: expect.stringContaining('decoded within 1.5 s') as string,
      });
      expect(await pool.run(await photo(50), inspect)).toMatchObject({ width: 50 });
    } finally {
      pool.close();
    }
  });

  test('a process that cannot start is no fault of the photo', async () => {
    const pool = openDecoderPool({ processes: 1, entry: new URL('file:///nowhere.mjs') });
    await expect(pool.run(await photo(50), inspect)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(pool.run(await photo(50), inspect)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('a service that asks for it decodes nothing itself', async () => {
    const release = isolateDecoding({ processes: 1, entry });
    await expect(inspectImage(await photo(61), limits)).rejects.toMatchObject({
      message: expect.stringContaining('signal SIGSEGV') as string,
    });
    release();
    expect(await inspectImage(await photo(61), limits)).toMatchObject({ width: 61 });
  });
});
