import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeOnnx, slowNetwork, writeTinyBundle } from '@umbra/engine/testing';
import { createApiKey } from '@umbra/platform/tenancy/api-keys';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, startChromium } from '../support/chromium.js';
import { makePhotos, startService, type TestService } from '../support/service.js';
import { beyondWidth, findFaults, patienceMs, visit } from './visit.js';

let folder: string;
let service: TestService;
let browser: Browser;
const keys: Record<string, string> = {};
const jobs: Record<string, string> = {};

const call = async <T>(tenant: string, path: string, init: RequestInit = {}): Promise<T> => {
  const headers = { ...init.headers, authorization: `Bearer ${keys[tenant]}` };
  const response = await fetch(`${service.url}${path}`, { ...init, headers });
  return (await response.json()) as T;
};

/** A job that is at work for longer than the tests take. */
async function submit(tenant: string): Promise<string> {
  const form = new FormData();
  for (const { name, bytes } of await makePhotos(2)) {
    form.append('images', new Blob([new Uint8Array(bytes)]), name);
  }
  type Made = { readonly id: string };
  const { id: dataset } = await call<Made>(tenant, '/v1/datasets', { method: 'POST', body: form });
  const settings = { patch: 16, stride: 1 };
  const made = await call<Made>(tenant, '/v1/jobs', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ dataset, model: 'slow', settings, rowsPerShard: 81 }),
  });
  return made.id;
}

async function openAs(page: Page, tenant: string): Promise<void> {
  await page.goto('/workers');
  await page
    .getByLabel('API key', { exact: true })
    .last()
    .fill(keys[tenant] ?? '');
  await page.getByRole('button', { name: 'Log in' }).last().click();
  await page.getByRole('list', { name: 'Your unfinished jobs' }).waitFor();
}

describe.skipIf(chromiumPath === undefined)(
  'the page of workers',
  { timeout: 3 * patienceMs },
  () => {
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'umbra-workers-page-'));
      await writeTinyBundle(folder, {
        ...{ name: 'slow', size: 96, classes: 4, onnx: encodeOnnx(slowNetwork()) },
      });
      service = await startService({ UMBRA_AUTH: 'keys', UMBRA_MODELS_DIR: folder });
      browser = await startChromium();
      for (const tenant of ['acme', 'other']) {
        keys[tenant] = (await createApiKey(service.store, { tenant, scopes: ['submit'] })).text;
        jobs[tenant] = await submit(tenant);
      }
    }, patienceMs);
    afterAll(async () => {
      for (const [tenant, id] of Object.entries(jobs)) {
        await call(tenant, `/v1/jobs/${id}/cancel`, { method: 'POST' });
      }
      await browser?.close();
      await service?.close();
      await rm(folder, { recursive: true, force: true });
    });

    test('says what a job waits for while no worker is up', async () => {
      await visit(browser, { baseURL: service.url }, async (page, errors) => {
        await openAs(page, 'acme');
        await page.getByText('No worker is up').waitFor();
        await page
          .getByText('Waits for a worker that runs onnx models', { exact: false })
          .waitFor();
        expect(await page.getByText(jobs.other ?? '').count()).toBe(0);
        expect(errors.splice(0).every((error) => error.includes('401'))).toBe(true);
      });
    });

    test('shows who runs what, with links to the own jobs and no more of others than that there are some', async () => {
      await service.startWorker({ UMBRA_INFERENCE_THREADS: '4', UMBRA_SHUTDOWN_MS: '100' });
      await visit(
        browser,
        { baseURL: service.url, viewport: { width: 1280, height: 900 } },
        async (page, errors) => {
          await openAs(page, 'acme');
          const work = page.locator('.work');
          await work
            .getByRole('link', { name: jobs.acme ?? '' })
            .first()
            .waitFor();
          await work
            .getByText(/^Scores rows 0 to 80 of img_0000000[01] by slow$/)
            .first()
            .waitFor();
          await work.getByText('Busy for another tenant', { exact: false }).waitFor();
          expect(await page.content()).not.toContain(jobs.other);
          await page.getByText('4 inference threads').waitFor();
          await page.getByText('4 shards at work', { exact: false }).waitFor();
          for (const colorScheme of ['light', 'dark'] as const) {
            await page.emulateMedia({ colorScheme });
            expect([colorScheme, await findFaults(page)]).toEqual([colorScheme, []]);
          }
          await page.setViewportSize({ width: 390, height: 844 });
          expect(await beyondWidth(page)).toBe(0);
          await work
            .getByRole('link', { name: jobs.acme ?? '' })
            .first()
            .click();
          await page.waitForURL(`**/jobs/${jobs.acme}`);
          expect(errors.splice(0).every((error) => error.includes('401'))).toBe(true);
        },
      );
    });
  },
);
