import type { UmbraClient } from '@umbra/client';
import { expect, test } from 'vitest';
import { fetchRows } from './report-answers.js';

test('reasons of failures do not tell where a photo lies', async () => {
  const messages = [
    "'s3://secret/cats/1.jpg' is in no allowed prefix",
    "S3 get in bucket 'secret' failed (AccessDenied)",
    'Expected a JPEG, got an empty file',
  ];
  const data = [
    ...messages.map((message, index) => ({ id: `img_${index}`, error: { code: 'x', message } })),
    { id: 'img_3', error: null },
  ];
  const client = {
    request: async () => Response.json({ data, next_cursor: null, total: data.length }),
  } as unknown as UmbraClient;
  const { rows } = await fetchRows(client, 'job_1', { sort: 'index', where: [], images: 10 });
  expect(rows.map(({ error }) => error?.message)).toEqual([
    "'s3://…' is in no allowed prefix",
    "S3 get in bucket '…' failed (AccessDenied)",
    'Expected a JPEG, got an empty file',
    undefined,
  ]);
});
