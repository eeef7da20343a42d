import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, startChromium } from '../support/chromium.js';
import { startService, type TestService } from '../support/service.js';
import { patienceMs, visit } from './visit.js';

let service: TestService;
let browser: Browser;

describe.skipIf(chromiumPath === undefined)('a silent service', { timeout: 3 * patienceMs }, () => {
  beforeAll(async () => {
    service = await startService();
    browser = await startChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await service?.close();
  });

  test('leaves what is around a page that could not be loaded', async () => {
    await visit(browser, { baseURL: service.url }, async (page, errors) => {
      await page.goto('/jobs');
      await page.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor();
      await page.route('**/*', (route) => route.abort('connectionrefused'));
      await page.getByRole('link', { name: 'Datasets' }).click();
      await page.getByText('This page could not be loaded').waitFor();
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.getByRole('link', { name: 'Jobs' }).click();
      await page.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor();
      await page.getByRole('link', { name: 'Datasets' }).click();
      await page.unroute('**/*');
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.getByText('No datasets yet').waitFor();
      // What the browser itself says of each request, and React of what was caught.
      expect(errors.splice(0)).not.toEqual([]);
    });
  });

  test('is told above what is shown, until it answers', async () => {
    await visit(browser, { baseURL: service.url }, async (page, errors) => {
      await page.goto('/workers');
      await page.getByRole('heading', { name: 'Queue', exact: true }).waitFor();
      await page.route('**/v1/**', (route) => route.abort('connectionrefused'));
      const notice = page.getByText('The service does not answer: what is shown may be old');
      await notice.waitFor();
      await page.getByRole('heading', { name: 'Queue', exact: true }).waitFor();
      await page.unroute('**/v1/**');
      await notice.waitFor({ state: 'detached' });
      expect(errors.splice(0).every((error) => error.includes('CONNECTION_REFUSED'))).toBe(true);
    });
  });

  test('that knows nobody any more says so above what is shown', async () => {
    await visit(browser, { baseURL: service.url }, async (page, errors) => {
      await page.goto('/workers');
      await page.getByRole('heading', { name: 'Queue', exact: true }).waitFor();
      const json = { code: 'unauthorized', detail: 'Expected an API key, or a session cookie' };
      await page.route('**/v1/**', (route) => route.fulfill({ status: 401, json }));
      await page.getByText('Nobody is logged in any more: what is shown is old').waitFor();
      expect(errors.splice(0).every((error) => error.includes('401'))).toBe(true);
    });
  });
});
