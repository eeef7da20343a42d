import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type * as umbraClient from '@umbra/client';
import { createApiKey } from '@umbra/platform/tenancy/api-keys';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, startChromium } from '../support/chromium.js';
import { makePhotos, startService, type TestService } from '../support/service.js';

/** In the page: what `@umbra/client` exports. */
declare const umbra: typeof umbraClient;
const dist = fileURLToPath(new URL('../../packages/client/dist/', import.meta.url));
const requireAsClient = createRequire(join(dist, 'index.js'));
/** Where a page finds what the client imports by name, as a bundler would. */
const libraries = {
  'openapi-fetch': requireAsClient.resolve('openapi-fetch').replace(/\.cjs$/, '.mjs'),
  'eventsource-parser': requireAsClient.resolve('eventsource-parser').replace(/\.cjs$/, '.js'),
};

describe.skipIf(chromiumPath === undefined)(
  'the client in Chromium (Debian: chromium), where it is installed',
  () => {
    let service: TestService;
    let browser: Browser;
    let page: Page;
    let key: string;
    const complaints: string[] = [];

    beforeAll(async () => {
      service = await startService({ UMBRA_AUTH: 'keys' });
      await service.startWorker();
      key = (await createApiKey(service.store, { tenant: 'acme', scopes: ['submit'] })).text;
      browser = await startChromium();
      page = await browser.newPage();
      page.on('pageerror', (error) => complaints.push(error.message));
      await serveClient(page, service.url);
      await page.goto(`${service.url}/test/page.html`);
      await page.waitForFunction(() => 'umbra' in globalThis).catch(() => undefined);
      expect(complaints).toEqual([]);
    });
    afterAll(async () => {
      await browser?.close();
      await service?.close();
    });

    test('loads what was built, with nothing of Node.js', async () => {
      const names = await page.evaluate(() => Object.keys(umbra));
      expect(names).toEqual(expect.arrayContaining(['createUmbraClient', 'followEvents']));
      expect(complaints).toEqual([]);
    });

    test('logs in, explains a photo, follows the job, shows a picture, and logs out', async () => {
      const [photo] = await makePhotos(1);
      const given = { key, photo: [...(photo?.bytes ?? [])] };
      const found = await page.evaluate(async ({ key, photo }) => {
        const { createUmbraClient, followEvents } = umbra;
        const client = createUmbraClient({ baseUrl: '' });
        const codeOf = (asked: Promise<unknown>) =>
          asked.then(
            () => null,
            (error: { code?: string }) => error.code,
          );
        const before = await codeOf(client.whoAmI());
        const wrong = await codeOf(client.logIn(`${key}x`));
        const loggedIn = await client.logIn(key);
        const data = new Blob([new Uint8Array(photo)]);
        const { id: dataset } = await client.uploadImages([{ name: 'photo.png', data }]);
        const job = await client.createJob({
          dataset,
          model: 'tiny',
          settings: { patch: 16, stride: 16 },
        });
        const path = `/v1/jobs/${job.id}/events`;
        const events = [];
        for await (const { event } of followEvents(client, path)) events.push(event);
        const { state } = await client.waitForJob(job.id);
        const image = new Image();
        image.src = `/v1/jobs/${job.id}/images/img_00000000/heatmap.png`;
        await image.decode();
        // The browser's own stream, too, has the cookie.
        const opened = await new Promise((resolve) => {
          const source = new EventSource(path);
          source.addEventListener('state', () => resolve('state'));
          source.addEventListener('error', () => resolve('error'));
        });
        const who = await client.whoAmI();
        await client.logOut();
        const after = await codeOf(client.whoAmI());
        const seen = document.cookie;
        const width = image.naturalWidth;
        return { before, wrong, loggedIn, events, state, width, opened, who, after, seen };
      }, given);
      expect(found).toMatchObject({
        before: 'unauthorized',
        wrong: 'unauthorized',
        loggedIn: { tenant: 'acme', scopes: ['submit'], authentication: 'session' },
        events: expect.arrayContaining(['progress', 'state']),
        state: 'completed',
        opened: 'state',
        after: 'unauthorized',
        seen: '',
      });
      expect(found.who).toEqual(found.loggedIn);
      expect(found.width).toBeGreaterThan(0);
      expect(complaints).toEqual([]);
    });

    test('changes nothing for a page of another origin', async () => {
      const stranger = await browser.newPage();
      await page.evaluate(async (text) => {
        await umbra.createUmbraClient({ baseUrl: '' }).logIn(text);
      }, key);
      try {
        await stranger.route('http://localhost/**', (route) =>
          route.fulfill({
            contentType: 'text/html',
            body: '<!doctype html><title>Another</title>',
          }),
        );
        await stranger.goto('http://localhost/');
        await stranger.evaluate(async (url) => {
          const asked = { method: 'DELETE', mode: 'no-cors', credentials: 'include' } as const;
          await fetch(`${url}/v1/session`, asked).catch(() => undefined);
          await fetch(`${url}/v1/session`, { ...asked, method: 'POST' }).catch(() => undefined);
        }, service.url);
      } finally {
        await stranger.close();
      }
      const tenant = await page.evaluate(async () => {
        return (await umbra.createUmbraClient({ baseUrl: '' }).whoAmI()).tenant;
      });
      expect(tenant).toBe('acme');
    });
  },
);

/** Have the page load the built client and its libraries from the service's own origin. */
async function serveClient(page: Page, url: string): Promise<void> {
  const imports = Object.fromEntries([
    ['@umbra/client', '/test/client/index.js'],
    ...Object.keys(libraries).map((name) => [name, `/test/library/${name}`]),
  ]);
  const html = `<!doctype html><html lang="en"><title>Client</title><link rel="icon" href="data:,">
<script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module">
import * as umbra from '@umbra/client';
globalThis.umbra = umbra;
</script></html>`;
  await page.route(`${url}/test/**`, async (route) => {
    const path = new URL(route.request().url()).pathname.replace('/test/', '');
    if (path === 'page.html') return route.fulfill({ contentType: 'text/html', body: html });
    const [kind, ...rest] = path.split('/');
    const name = rest.join('/');
    const file = kind === 'client' ? join(dist, name) : libraries[name as keyof typeof libraries];
    await route.fulfill({ contentType: 'text/javascript', body: await readFile(file, 'utf8') });
  });
}
