import axe from 'axe-core';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, startChromium } from '../support/chromium.js';
import { startService, type TestService } from '../support/service.js';

describe.skipIf(chromiumPath === undefined)(
  'the documentation page in Chromium (Debian: chromium), where it is installed',
  () => {
    let service: TestService;
    let browser: Browser;
    beforeAll(async () => {
      service = await startService();
      browser = await startChromium();
    });
    afterAll(async () => {
      await browser?.close();
      await service?.close();
    });

    test.each([
      ['light', 1280],
      ['dark', 1280],
      ['light', 390],
      ['dark', 390],
    ] as const)('has no accessibility fault, %s, %i px wide', async (colorScheme, width) => {
      // The library that looks for faults is a script, which the page itself does not allow.
      const context = await browser.newContext({
        ...{ colorScheme, viewport: { width, height: 844 }, bypassCSP: true },
      });
      try {
        const page = await context.newPage();
        await page.goto(`${service.url}/docs`);
        await page.evaluate(axe.source);
        const faults = await page.evaluate(async () => {
          const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run(
            document,
          );
          return violations.map(
            ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join()}`,
          );
        });
        expect(faults).toEqual([]);
        const beyond = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect(beyond).toBe(0);
      } finally {
        await context.close();
      }
    });

    test('loads and says nothing but itself, and its links lead somewhere', async () => {
      const page = await browser.newPage();
      const [requests, complaints]: [string[], string[]] = [[], []];
      page.on('request', (request) => requests.push(request.url()));
      page.on('console', (message) => complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(error.message));
      await page.goto(`${service.url}/docs`);
      await page.getByRole('link', { name: 'createJob' }).click();
      expect(page.url()).toBe(`${service.url}/docs#operation-createJob`);
      expect(await page.locator('#operation-createJob').isVisible()).toBe(true);
      // The style sheet of the policy is in force.
      const family = await page.evaluate(() => getComputedStyle(document.body).fontFamily);
      expect(family).toContain('system-ui');
      expect(requests.filter((url) => !url.startsWith('data:'))).toEqual([`${service.url}/docs`]);
      expect(complaints).toEqual([]);
      await page.close();
    });
  },
);
