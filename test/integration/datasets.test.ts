import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { keys } from '@umbra/platform/store/keys';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { datasetsOf, formOf } from '../support/datasets.js';
import { until } from '../support/job-fixture.js';
import {
  makePhotos,
  startService,
  submitJob,
  type TestService,
  waitForJob,
} from '../support/service.js';
import { makeTar, makeTarGz } from '../support/tar.js';
import { makeZip } from '../support/zip.js';

const sha256Of = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
type Photo = { name: string; bytes: Buffer };
let service: TestService;
let datasets: ReturnType<typeof datasetsOf>;
let photos: Photo[];
const photo = (index: number): Buffer => photos[index]?.bytes ?? Buffer.alloc(0);

beforeAll(async () => {
  service = await startService({ UMBRA_RESUME_MS: '500' });
  datasets = datasetsOf(service.url);
  photos = await makePhotos(8);
});
afterAll(() => service.close());

describe('labels of folders', () => {
  const labelledBy = async (folders: readonly string[]): Promise<string> => {
    const files = Object.fromEntries(folders.map((name, at) => [`${name}/${at}.png`, photo(at)]));
    const zip = await makeZip(files);
    const response = await datasets.send('?labels=folder', 'application/zip', zip);
    return (await datasets.json<{ id: string }>(response, 201)).id;
  };
  const create = async (folders: readonly string[], query = '') =>
    fetch(`${service.url}/v1/jobs${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        dataset: await labelledBy(folders),
        model: 'tiny',
        settings: { patch: 16, target: { kind: 'label' } },
      }),
    });

  test('that fit no class of the model refuse the job', async () => {
    const response = await create(['cat', 'dog']);
    expect(response.status).toBe(400);
    expect(((await response.json()) as { detail: string }).detail).toMatch(
      /^Expected labels, for target 'label': 0 of 2 images of dataset '.*' have a label that is a class of model 'tiny': Expected the label to be a class of the model, got 'cat'$/,
    );
  });

  test.each(['', '?dryRun=true'])('that fit in part are told%s', async (query) => {
    const response = await create(['kind 1', '3', 'dog', '77'], query);
    const { warnings } = (await response.json()) as { warnings: string[] };
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('2 of 4 images');
    expect(warnings[0]).toContain(
      "the others will fail: Expected the label to be a class of the model, got 'dog'",
    );
  });

  test('are names or indices, and all fit', async () => {
    const response = await create(['kind 1', 'KIND 2', '3']);
    expect(response.status).toBe(202);
    expect(await response.json()).toMatchObject({ warnings: [] });
  });

  test('that fit no class fail the job of a dataset that is validated after it', async () => {
    await service.startWorker();
    const lines = { sha256: sha256Of(photo(0)), name: 'a.png', label: 'cat' };
    const first = await labelledBy(['kind 0']);
    const id = await datasets.open();
    await datasets.send(
      `/${id}/images`,
      'application/jsonl',
      `${JSON.stringify({ ...lines, dataset: first })}\n`,
    );
    await datasets.close(id);
    const job = await submitJob(service.url, {
      dataset: id,
      model: 'tiny',
      settings: { patch: 16, target: { kind: 'label' } },
    }).catch((error: unknown) => String(error));
    // Refused at once where the dataset was ready first.
    if (job.includes('400')) return expect(job).toContain("got 'cat'");
    const { error } = await waitForJob(service.url, job);
    expect(error?.message).toContain("got 'cat'");
  });
});

describe('in one request', () => {
  test('the same content counts as a duplicate, is stored once, and keeps its names', async () => {
    const zip = await makeZip({ 'one.png': photo(0), 'two.png': photo(0), 'three.png': photo(1) });
    const response = await datasets.send('', 'application/zip', zip);
    const made = await datasets.json<{ id: string }>(response, 201);
    expect(made).toMatchObject({ state: 'ready', images: 3, duplicates: 1, refused: 0 });
    expect((await datasets.images(made.id)).map(({ name }) => name)).toEqual([
      'one.png',
      'two.png',
      'three.png',
    ]);
    const stored: string[] = [];
    for await (const { key } of service.store.list(`tenants/default/datasets/${made.id}/`)) {
      stored.push(
        key
          .split('/')
          .slice(4)
          .join('/')
          .replace(/[0-9a-f]{64}/, 'sha'),
      );
    }
    expect(stored.sort()).toEqual([
      'dataset.json',
      'images/sha',
      'images/sha',
      'manifest.jsonl',
      'refusals.jsonl',
    ]);
  });

  test.each([
    ['application/x-tar', makeTar],
    ['application/gzip', makeTarGz],
  ])('%s: what is no plain file of the folder is refused, one by one', async (type, make) => {
    const tar = await make([
      { name: 'set/', header: { type: 'directory' } },
      { name: './set/one.png', bytes: photo(0) },
      { name: '../evil.png', bytes: photo(0) },
      { name: '/etc/evil.png', bytes: photo(0) },
      { name: 'link.png', header: { type: 'symlink', linkname: '/etc/passwd' } },
      { name: 'hard.png', header: { type: 'link', linkname: 'set/one.png' } },
      { name: 'device', header: { type: 'character-device' } },
      { name: 'sparse.png', bytes: photo(0), header: { pax: { 'GNU.sparse.major': '1' } } },
      { name: '__MACOSX/x.png', bytes: photo(0) },
      { name: 'set/two.png', bytes: photo(1) },
      { name: 'notes.txt', bytes: Buffer.from('notes') },
    ]);
    const response = await datasets.send('?labels=folder', type, tar);
    const made = await datasets.json<{ id: string }>(response, 201);
    expect(made).toMatchObject({ images: 2, refused: 7, labelled: 2 });
    expect(await datasets.images(made.id)).toMatchObject([
      { id: 'img_00000000', name: 'set/one.png', label: 'set' },
      { id: 'img_00000001', name: 'set/two.png', label: 'set' },
    ]);
    expect((await datasets.refusals(made.id)).map(({ name }) => name)).toEqual([
      '../evil.png',
      '/etc/evil.png',
      'link.png',
      'hard.png',
      'device',
      'sparse.png',
      'notes.txt',
    ]);
  });

  test.each([
    ['application/x-zip-compressed', 'zip'],
    ['application/octet-stream', 'zip'],
    ['application/octet-stream', 'tar'],
    ['application/octet-stream', 'tar.gz'],
    ['application/x-gzip', 'tar.gz'],
    ['application/zip', 'tar.gz'],
  ])('%s of a %s is taken for what it is', async (type, format) => {
    const files = [{ name: 'cats/a.png', bytes: photo(0) }];
    const body =
      format === 'zip'
        ? await makeZip({ 'cats/a.png': photo(0) })
        : await (format === 'tar' ? makeTar : makeTarGz)(files);
    const response = await datasets.send('?labels=folder', type, body);
    const made = await datasets.json<{ id: string }>(response, 201);
    expect(await datasets.images(made.id)).toMatchObject([{ name: 'cats/a.png', label: 'cats' }]);
  });

  test.each([
    ['7z', Buffer.from('377abcaf271c0004', 'hex')],
    ['bzip2', Buffer.from('BZh91AY&SY')],
    ['something else', Buffer.from('hello')],
  ])('an archive of %s is refused by name', async (name, body) => {
    const response = await datasets.send('', 'application/octet-stream', body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      detail: `Expected a zip, tar or tar.gz archive, got ${name}`,
    });
  });

  test('an archive of another format among files is refused, and not taken for a photo', async () => {
    const form = await datasets.call('', {
      method: 'POST',
      body: formOf([
        { name: 'photos.tar.bz2', bytes: Buffer.alloc(100) },
        { name: 'a"b.png', bytes: photo(0) },
        { name: 'a\tb.png', bytes: photo(1) },
      ]),
    });
    const made = await datasets.json<{ id: string }>(form, 201);
    expect(await datasets.images(made.id)).toMatchObject([{ name: 'a"b.png' }]);
    expect((await datasets.refusals(made.id)).map(({ error }) => error.message)).toEqual([
      'Expected images, or a zip, tar or tar.gz of them',
      'Expected a relative file name, got the control character U+0009 in "a\\tb.png"',
    ]);
  });

  test('broken archives leave nothing', async () => {
    const gz = await makeTarGz([{ name: 'a.png', bytes: photo(0) }]);
    const tar = await makeTar([{ name: 'a.png', bytes: photo(0) }]);
    for (const [type, body] of [
      ['application/gzip', gz.subarray(0, gz.length - 20)],
      ['application/gzip', Buffer.from('no gzip')],
      ['application/x-tar', tar.subarray(0, 700)],
      ['application/x-tar', Buffer.alloc(2048, 7)],
      ['application/x-tar', Buffer.alloc(0)],
    ] as const) {
      const response = await datasets.send('', type, body);
      expect(response.status).toBe(400);
      expect(((await response.json()) as { detail: string }).detail).toMatch(
        /^Expected a (tar file|zip, tar or tar.gz archive), got /,
      );
    }
  });

  test('all refusals are told, also where they are many', async () => {
    const names = Array.from({ length: 450 }, (_, index) => `bad-${index}.png`);
    const files = names.map((name) => ({ name, bytes: Buffer.from(name) }));
    const tar = await makeTar([{ name: 'good.png', bytes: photo(0) }, ...files]);
    const made = await datasets.json<{ id: string; refusals: unknown[] }>(
      await datasets.send('', 'application/x-tar', tar),
      201,
    );
    expect(made).toMatchObject({ images: 1, refused: 450 });
    expect(made.refusals).toHaveLength(100);
    expect((await datasets.refusals(made.id)).map(({ name }) => name)).toEqual(names);
  });
});

describe('an open dataset', () => {
  test('grows by requests of every kind, at once, until it is closed', async () => {
    const id = await datasets.open({ metadata: { project: 'cats' } });
    expect(await datasets.get(id)).toMatchObject({
      state: 'open',
      images: 0,
      metadata: { project: 'cats' },
    });
    const answers = await Promise.all([
      datasets.addForm(id, photos.slice(0, 2)),
      datasets.send(`/${id}/images`, 'application/zip', await makeZip({ 'z.png': photo(2) })),
      datasets.send(
        `/${id}/images`,
        'application/x-tar',
        await makeTar([{ name: 't.png', bytes: photo(3) }]),
      ),
      datasets.addForm(
        id,
        [
          { name: 'f/x.tar.gz', bytes: await makeTarGz([{ name: 'g/i.png', bytes: photo(4) }]) },
          { name: 'bad.png', bytes: Buffer.from('bad') },
        ],
        '?labels=folder',
      ),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(await datasets.get(id)).toMatchObject({ state: 'open', images: 5, refused: 1 });
    expect(await datasets.refusals(id)).toMatchObject([{ name: 'bad.png' }]);
    expect((await datasets.call(`/${id}/images`)).status).toBe(409);

    // A file that is sent again is no second one.
    await datasets.addForm(id, photos.slice(0, 2));
    const closed = await datasets.close(id);
    expect(await datasets.json(closed, 200)).toMatchObject({
      state: 'ready',
      images: 5,
      refused: 1,
      labelled: 1,
    });
    const images = await datasets.images(id);
    expect(images.map((item) => item.id)).toEqual([0, 1, 2, 3, 4].map((at) => `img_0000000${at}`));
    expect(images.find(({ name }) => name === 'g/i.png')).toMatchObject({ label: 'g' });
    // Closing again changes nothing; adding is refused.
    expect((await datasets.close(id)).status).toBe(200);
    expect((await datasets.addForm(id, photos)).status).toBe(409);
  });

  test('without images cannot be closed', async () => {
    const id = await datasets.open();
    expect((await datasets.close(id)).status).toBe(409);
    expect(await datasets.get(id)).toMatchObject({ state: 'open' });
  });

  test('an upload that breaks off has not been in vain', async () => {
    const id = await datasets.open();
    const boundary = 'b';
    const body = Buffer.concat(
      photos
        .slice(0, 3)
        .flatMap(({ name, bytes }) => [
          Buffer.from(
            `--${boundary}\r\nContent-Disposition: form-data; name="i"; filename="${name}"\r\n\r\n`,
          ),
          bytes,
          Buffer.from('\r\n'),
        ]),
    );
    // Two files and a part of the third.
    await cutOff(
      `POST /v1/datasets/${id}/images HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=${boundary}\r\nContent-Length: ${body.length + 100}\r\n\r\n`,
      body.subarray(0, body.length - 200),
      () => service.store.head(keys.image('default', id, sha256Of(photo(1)))),
    );
    await until('two images to be kept', async () =>
      (await datasets.get(id)).images === 2 ? true : null,
    );
    await datasets.addForm(id, photos.slice(0, 4));
    await datasets.close(id);
    expect((await datasets.images(id)).map(({ name }) => name).sort()).toEqual(
      photos.slice(0, 4).map(({ name }) => name),
    );
  });

  test('bad requests are told apart', async () => {
    const id = await datasets.open();
    const status = async (response: Promise<Response>) => (await response).status;
    expect(await status(datasets.send(`/${id}/images`, 'text/plain', 'x'))).toBe(415);
    expect(await status(datasets.send(`/${id}/images`, 'application/zip', 'x'))).toBe(400);
    expect(await status(datasets.send('', 'application/json', '{"labels":"folder"}'))).toBe(400);
    expect(await status(datasets.send('', 'application/json', '{"source":{"kind":"ftp"}}'))).toBe(
      400,
    );
    expect(await status(datasets.send('?labels=name', 'application/json', '{}'))).toBe(400);
    expect(await status(datasets.send(`/ds_${'0'.repeat(20)}/close`, 'application/json', ''))).toBe(
      404,
    );
    const files = [{ name: 'a.png', bytes: 3, sha256: 'a'.repeat(64) }];
    const presign = await datasets.send(
      `/${id}/uploads`,
      'application/json',
      JSON.stringify({ files }),
    );
    expect(presign.status).toBe(422);
    expect(((await presign.json()) as { detail: string }).detail).toContain('need an S3 store');
    const uri = 's3://somewhere/else/';
    const forbidden = await datasets.send(
      '',
      'application/json',
      JSON.stringify({ source: { kind: 's3', uri } }),
    );
    expect(await forbidden.json()).toMatchObject({ status: 403, code: 'forbidden' });
  });
});

describe('a large archive in parts', () => {
  const begin = async (id: string, bytes: number, format: string) =>
    datasets.json<{ id: string; offset: number }>(
      await datasets.send(
        `/${id}/archives`,
        'application/json',
        JSON.stringify({ bytes, format, labels: 'folder' }),
      ),
      201,
    );
  const part = (path: string, offset: number, body: Buffer) =>
    datasets.call(path, {
      method: 'PATCH',
      headers: {
        'content-type': 'application/offset+octet-stream',
        'upload-offset': String(offset),
      },
      body: new Uint8Array(body),
    });

  const offset = async (path: string): Promise<number> => {
    const head = await datasets.call(path, { method: 'HEAD' });
    return Number(head.headers.get('upload-offset'));
  };

  test.each([
    ['zip', (files: Record<string, Buffer>) => makeZip(files)],
    [
      'tar.gz',
      (files: Record<string, Buffer>) =>
        makeTarGz(Object.entries(files).map(([name, bytes]) => ({ name, bytes }))),
    ],
  ])('%s: a part that breaks off is gone on with', async (format, make) => {
    const worker = await service.startWorker();
    const id = await datasets.open();
    const archive = await make({
      'cat/1.png': photo(0),
      'dog/2.png': photo(1),
      'x.txt': randomBytes(9 * 1024 * 1024),
    });
    const upload = await begin(id, archive.length, format);
    const path = `/${id}/archives/${upload.id}`;
    expect((await part(path, 0, archive.subarray(0, 100))).status).toBe(204);
    expect((await part(path, 50, archive.subarray(50))).status).toBe(409);
    expect((await datasets.close(id)).status).toBe(409);
    await cutOff(
      `PATCH /v1/datasets${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/offset+octet-stream\r\nUpload-Offset: 100\r\nContent-Length: ${archive.length - 100}\r\n\r\n`,
      archive.subarray(100, archive.length - 1000),
      async () => (await offset(path)) > 100,
    );
    // It may be writing the last of what came.
    const from = async () => {
      const now = await offset(path);
      const tooMuch = Buffer.concat([archive.subarray(now), Buffer.from('more')]);
      return (await part(path, now, tooMuch)).status;
    };
    await until('too much to be refused', async () => ((await from()) === 413 ? true : null));
    let last: Response;
    do {
      const now = await offset(path);
      last = await part(path, now, archive.subarray(now));
    } while (last.status === 409);
    expect(last.status).toBe(204);
    expect(last.headers.get('upload-offset')).toBe(String(archive.length));
    expect((await datasets.close(id)).status).toBe(202);
    expect(await datasets.settled(id)).toMatchObject({
      state: 'ready',
      images: 2,
      refused: 1,
      labelled: 2,
    });
    expect((await datasets.images(id)).map(({ label }) => label)).toEqual(['cat', 'dog']);
    await worker.close();
  });

  test('a broken one fails its dataset, and says why', async () => {
    const worker = await service.startWorker();
    const id = await datasets.open();
    const upload = await begin(id, 9, 'zip');
    await part(`/${id}/archives/${upload.id}`, 0, Buffer.from('not a zip'));
    await datasets.close(id);
    expect(await datasets.settled(id)).toMatchObject({
      state: 'failed',
      error: {
        code: 'invalid_input',
        message: expect.stringContaining('Expected a zip') as string,
      },
    });
    expect((await datasets.call(`/${id}`, { method: 'DELETE' })).status).toBe(204);
    await worker.close();
  });
});

describe('reading', () => {
  test('datasets and images come in pages; what is deleted is gone, and results stay', async () => {
    const worker = await service.startWorker();
    const made = await datasets.json<{ id: string }>(
      await datasets.send('', 'application/x-tar', await makeTar(photos)),
      201,
    );
    const job = await submitJob(service.url, {
      dataset: made.id,
      model: 'tiny',
      settings: { patch: 8, stride: 8 },
    });
    await waitForJob(service.url, job);
    const names: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = `?limit=3${cursor === null ? '' : `&cursor=${cursor}`}`;
      const page: { data: { name: string }[]; next_cursor: string | null } = await datasets.json(
        await datasets.call(`/${made.id}/images${query}`),
        200,
      );
      names.push(...page.data.map(({ name }) => name));
      cursor = page.next_cursor;
    } while (cursor !== null);
    expect(names).toEqual(photos.map(({ name }) => name));

    const list = async () => {
      const ids: string[] = [];
      let next: string | null = null;
      do {
        const query: string = `?limit=2${next === null ? '' : `&cursor=${next}`}`;
        const page: { data: { id: string }[]; next_cursor: string | null } = await datasets.json(
          await datasets.call(query),
          200,
        );
        ids.push(...page.data.map(({ id }) => id));
        next = page.next_cursor;
      } while (next !== null);
      return ids;
    };
    const before = await list();
    expect(before.at(-1)).toBe(made.id);
    expect(new Set(before).size).toBe(before.length);
    expect((await datasets.call('?cursor=bad')).status).toBe(400);
    expect((await datasets.call(`/${made.id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await list()).toEqual(before.slice(0, -1));
    expect(
      (await fetch(`${service.url}/v1/jobs/${job}/images/img_00000000/heatmap.png`)).status,
    ).toBe(200);
    await worker.close();
  });
});

/** Send the beginning of a request, and cut the line once the service has taken something in. */
async function cutOff(head: string, body: Buffer, isTaken: () => Promise<unknown>): Promise<void> {
  const { port } = new URL(service.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(head);
  socket.write(body);
  await until('something to be taken in', async () => ((await isTaken()) ? true : null));
  socket.destroy();
}
