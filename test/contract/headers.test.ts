import type { JobStatus } from '@umbra/shared/contracts/job';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { declaredOperations } from '../support/operations.js';
import {
  makePhotos,
  postJob,
  startService,
  type TestService,
  uploadPhotos,
} from '../support/service.js';

let service: TestService;
let dataset: string;
let job: string;

beforeAll(async () => {
  service = await startService({ UMBRA_METRICS_PORT: '0', UMBRA_BULL_BOARD: '1' });
  dataset = await uploadPhotos(service.url, await makePhotos(4));
  const settings = { patch: 16, stride: 16 };
  const created = await postJob(service.url, { dataset, model: 'tiny', settings });
  job = ((await created.json()) as JobStatus).id;
});
afterAll(() => service.close());

const operations = await declaredOperations();

describe('every answer', () => {
  test.each(operations.map((operation) => [operation.id, operation] as const))(
    'of %s is told not to be guessed at, leaked or kept',
    async (_, operation) => {
      const { method, path, scope } = operation;
      const url = path
        .replace('{dataset}', dataset)
        .replace('{job}', job)
        .replace('{model}', 'tiny')
        .replaceAll(/\{\w+\}/g, 'x');
      // Followed until its job ends, which nobody runs.
      const query = path.endsWith('/events') ? '?unknown=1' : '';
      const response = await fetch(`${service.url}${url}${query}`, {
        method: method.toUpperCase(),
        redirect: 'manual',
      });
      await response.body?.cancel();
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('referrer-policy')).toBe('no-referrer');
      if (scope !== null) expect(response.headers.get('cache-control')).toBe('no-store');
    },
  );

  test.each(['/nothing', '/v1/%', '/admin/queues', '/v1/models'])('at %s, too', async (path) => {
    const response = await fetch(`${service.url}${path}`, { method: 'PUT' });
    expect(response.status).toBeGreaterThan(399);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
  });

  test.each(['/metrics', '/healthz', '/nothing'])('of the metrics at %s, too', async (path) => {
    const response = await fetch(`${service.metricsUrl}${path}`);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
  });
});

describe('a cursor that is none', () => {
  const encode = (text: string) => Buffer.from(text).toString('base64url');
  const bad = ['x', '%00', encode('5'), encode('1e3'), encode(' 7'), encode('99999999'), '-1'];
  test.each(bad)('is refused in every list: %s', async (cursor) => {
    const lists = [
      '/v1/datasets',
      '/v1/jobs',
      `/v1/datasets/${dataset}/images`,
      `/v1/jobs/${job}/images`,
    ];
    for (const list of lists) {
      const response = await fetch(`${service.url}${list}?cursor=${cursor}`);
      expect([list, response.status]).toEqual([list, 400]);
      expect(await response.text()).toContain('Expected a next_cursor');
    }
  });
});

describe('a name with hidden characters', () => {
  test('is escaped where it is shown', async () => {
    const name = 'job_\u202egnp';
    const response = await fetch(`${service.url}/v1/jobs/${encodeURIComponent(name)}`);
    const text = await response.text();
    expect(response.status).toBe(404);
    expect(text).not.toContain('\u202e');
    expect(JSON.parse(text)).toMatchObject({ detail: "Unknown job 'job_\\u202egnp'" });
  });

  test('is refused as a label', async () => {
    const [photo] = await makePhotos(1);
    const form = new FormData();
    const content = new Uint8Array(photo?.bytes ?? []);
    for (const folder of ['cat', 'ca\u200bt']) {
      form.append('images', new Blob([content]), `${folder}/a.png`);
    }
    const response = await fetch(`${service.url}/v1/datasets?labels=folder`, {
      method: 'POST',
      body: form,
    });
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({
      images: 1,
      refusals: [
        {
          error: {
            code: 'invalid_input',
            message: "Expected a label without hidden characters, got the folder 'ca\\u200bt'",
          },
        },
      ],
    });
  });
});
