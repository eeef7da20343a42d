import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { post } from './post.js';

test('post refuses a name that resolves to an address of this machine', async () => {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    response.end();
  });
  server.listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const to = (host: string, allowPrivate: boolean) =>
    post({ url: `http://${host}:${port}/`, body: '{}', headers: {}, allowPrivate });
  await expect(to('localhost', false)).rejects.toThrow('Expected a public address');
  await expect(to('127.0.0.1', false)).rejects.toThrow('Expected a public address');
  await expect(to('[::1]', false)).rejects.toThrow('Expected a public address');
  expect(asked).toBe(0);
  expect(await to('localhost', true)).toBe(200);
  server.close();
});
