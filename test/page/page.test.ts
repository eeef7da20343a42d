import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createUmbraClient } from '@umbra/client';
import { createApiKey } from '@umbra/platform/tenancy/api-keys';
import type { PartialResult } from '@umbra/shared/contracts/partial';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, startChromium } from '../support/chromium.js';
import { startService, type TestService } from '../support/service.js';
import { beyondWidth, findFaults, patienceMs, photo, repoRoot, visit } from './visit.js';

/** Longer than the page waits between two requests for the same. */
const pollsMs = 2_500;

let service: TestService;
let browser: Browser;
/** Path of the image that the first test explains. */
let imagePath = '';

/** The first 3 rows of 7 by 7 positions: an image that stays halfway, however fast the worker is. */
const halfDone: PartialResult = {
  image: 'img_00000000',
  rows: 7,
  grids: [{ patch: { height: 32, width: 32 }, rows: 7, columns: 7 }],
  predicted: { index: 281, label: 'tabby', probability: 0.5 },
  targets: [{ index: 281, label: 'tabby', score: 0.5 }],
  bands: [
    {
      ...{ rowStart: 0, rowEnd: 3 },
      scores: base64Of(new Float32Array(21).fill(0.25)),
      predictedClasses: base64Of(new Int32Array(21).fill(5)),
    },
  ],
};

function base64Of({ buffer }: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>): string {
  return Buffer.from(buffer).toString('base64');
}

/** Every page, as somebody sees it who goes from one to the next. */
async function* walk(page: Page): AsyncGenerator<string> {
  await page.goto('/');
  await page.getByRole('button', { name: 'Choose photos' }).waitFor();
  yield '/';
  for (const name of ['Jobs', 'Datasets', 'Models', 'Workers']) {
    await page.getByRole('link', { name, exact: true }).click();
    await page.locator('.list-row').first().waitFor();
    yield name;
  }
  await page.goto(imagePath.replace(/\/images.*/, ''));
  await page.locator('.wall img').waitFor();
  yield 'job';
}

describe.skipIf(chromiumPath === undefined)(
  'the page, in a browser',
  {
    timeout: 3 * patienceMs,
  },
  () => {
    beforeAll(async () => {
      service = await startService({ UMBRA_MODELS_DIR: join(repoRoot, 'models') });
      browser = await startChromium();
    });
    afterAll(async () => {
      await browser?.close();
      await service?.close();
    });

    test('explains a photo: cells fill, and the number under the pointer is the file’s', async () => {
      await service.startWorker({ UMBRA_INFERENCE_THREADS: '1' });
      await visit(
        browser,
        { baseURL: service.url, viewport: { width: 1280, height: 900 } },
        async (page) => {
          await page.route('**/partial', (route) => route.fulfill({ json: halfDone }));
          // Bands would be told of what is done since.
          await page.route('**/events?*', (route) => route.fulfill({ status: 204 }));
          await page.goto('/');
          await page.getByLabel('Stride, px').fill('32');
          await page.locator('input[type=file]').first().setInputFiles(photo);
          await page.waitForURL('**/images/**');
          imagePath = new URL(page.url()).pathname;
          await page.getByText('21 of 49 patches', { exact: true }).waitFor();
          await page.getByRole('application').press('ArrowRight');
          await page.getByText('class 5').waitFor();
          await page.getByText('flips', { exact: true }).waitFor();
          await page.unroute('**/partial');
          await page.unroute('**/events?*');
          // Its job may have ended meanwhile, and nothing more would be asked for.
          await page.reload();
          await page.getByRole('button', { name: 'Show the patch that matters most' }).waitFor();

          const scores = await readScores();
          const map = page.getByRole('application');
          const { x, y, width, height } = (await map.boundingBox()) ?? {
            x: 0,
            y: 0,
            width: 0,
            height: 0,
          };
          for (const [row, column] of [
            [0, 0],
            [3, 4],
            [6, 6],
          ] as const) {
            await page.mouse.move(x + (width * (column + 0.5)) / 7, y + (height * (row + 0.5)) / 7);
            const shown = Number(await page.getByTestId('score').innerText());
            expect(Math.fround(shown)).toBe(scores[row * 7 + column]);
          }
          await map.press('ArrowLeft');
          expect(Math.fround(Number(await page.getByTestId('score').innerText()))).toBe(scores[47]);
          await map.press('Enter');
          await page.getByAltText('The input with a patch at row 6, column 5').waitFor();
          expect(new URL(page.url()).searchParams.get('cell')).toBe('6,5');

          for (const colorScheme of ['light', 'dark'] as const) {
            await page.emulateMedia({ colorScheme });
            expect([colorScheme, await findFaults(page)]).toEqual([colorScheme, []]);
          }
          await page.setViewportSize({ width: 390, height: 844 });
          expect(await beyondWidth(page)).toBe(0);
        },
      );
    });

    test.each(['light', 'dark'] as const)('is accessible in the %s theme', async (colorScheme) => {
      await visit(browser, { baseURL: service.url, colorScheme }, async (page) => {
        for await (const place of walk(page)) {
          expect([place, await findFaults(page)]).toEqual([place, []]);
        }
      });
    });

    test('fits the width of a phone', async () => {
      await visit(
        browser,
        { baseURL: service.url, viewport: { width: 390, height: 844 } },
        async (page) => {
          for await (const place of walk(page)) {
            expect([place, await beyondWidth(page)]).toEqual([place, 0]);
          }
        },
      );
    });

    test('asks for a key where the service does, logs in with it, and shows its tenant alone', async () => {
      const guarded = await startService({ UMBRA_AUTH: 'keys' });
      try {
        const keyOf = async (tenant: string) =>
          (await createApiKey(guarded.store, { tenant, scopes: ['submit'] })).text;
        const [own, other] = await Promise.all([keyOf('acme'), keyOf('other')]);
        await submitPhoto(guarded.url, own);
        const logIn = async (page: Page, key: string) => {
          await page.getByLabel('API key', { exact: true }).last().fill(key);
          await page.getByRole('button', { name: 'Log in' }).last().click();
        };
        for (const [key, isOwn] of [
          [own, true],
          [other, false],
        ] as const) {
          await visit(browser, { baseURL: guarded.url }, async (page, errors) => {
            await page.goto('/jobs');
            await page.getByText('This service asks for a key').waitFor();
            const field = page.getByLabel('API key', { exact: true }).last();
            await field.fill('typed');
            await page.waitForTimeout(pollsMs);
            expect(await field.inputValue()).toBe('typed');
            await logIn(page, `${key}x`);
            await page.getByRole('alert').getByText('API key').last().waitFor();
            await logIn(page, key);
            await (isOwn ? page.locator('.list-row') : page.getByText('No jobs yet')).waitFor();
            expect(await page.evaluate('document.cookie')).toBe('');
            await page.reload();
            await (isOwn ? page.locator('.list-row') : page.getByText('No jobs yet')).waitFor();
            // What the browser itself says of each refusal.
            expect(errors.splice(0).every((error) => error.includes('401'))).toBe(true);
          });
        }
      } finally {
        await guarded.close();
      }
    });

    test('keeps the theme that was chosen', async () => {
      await visit(browser, { baseURL: service.url, colorScheme: 'light' }, async (page) => {
        await page.goto('/workers');
        await page.getByRole('button', { name: 'Switch to the dark theme' }).click();
        await page.reload();
        await page.getByRole('button', { name: 'Switch to the light theme' }).waitFor();
        expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark');
      });
    });
  },
);

/** Have a tenant submit a photo, whatever becomes of its job. */
async function submitPhoto(url: string, apiKey: string): Promise<void> {
  const client = createUmbraClient({ baseUrl: url, apiKey });
  const data = new Blob([await readFile(photo)]);
  const { id: dataset } = await client.uploadImages([{ name: 'cat.jpg', data }]);
  await client.createJob({ dataset, model: 'tiny' });
}

/** Scores of the image, as NumPy would read them. */
async function readScores(): Promise<Float32Array> {
  const response = await fetch(`${service.url}/v1${imagePath}/scores.npy`);
  const bytes = Buffer.from(await response.arrayBuffer());
  const body = bytes.subarray(10 + bytes.readUInt16LE(8));
  return Float32Array.from({ length: 49 }, (_, index) => body.readFloatLE(index * 4));
}
