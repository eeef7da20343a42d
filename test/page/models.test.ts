import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLossLedger } from '@umbra/platform/redis/losses';
import type { LayerList } from '@umbra/shared/contracts/layer';
import type { ModelDetail } from '@umbra/shared/contracts/model';
import { Redis } from 'ioredis';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, startChromium } from '../support/chromium.js';
import {
  startService,
  submitJob,
  type TestService,
  uploadPhotos,
  waitForJob,
} from '../support/service.js';
import { beyondWidth, findFaults, patienceMs, photo, repoRoot, visit } from './visit.js';

const model = 'efficientnet-lite0';
const desk = { viewport: { width: 1280, height: 900 } };

let service: TestService;
let browser: Browser;
let list: LayerList;
let job = '';

const ask = async <T>(path: string): Promise<T> =>
  (await (await fetch(`${service.url}${path}`)).json()) as T;
const pathTo = (view: Record<string, string>) => `/models/${model}?${new URLSearchParams(view)}`;
const layerWhere = (is: (layer: LayerList['layers'][number]) => boolean) => {
  const found = list.layers.find(is);
  if (found === undefined) throw new Error('Expected such a layer');
  return found;
};
const view = (page: Page) => Object.fromEntries(new URL(page.url()).searchParams);

/** Wait until a picture is shown. @returns Its height, px. */
async function heightOf(page: Page, alt: string): Promise<number> {
  await page.getByRole('img', { name: alt, exact: true }).waitFor();
  const image = `[...document.images].find(({ alt }) => alt === ${JSON.stringify(alt)})`;
  const height = Number(
    await page.evaluate(`${image}.decode().then(() => ${image}.naturalHeight)`),
  );
  expect(height).toBeGreaterThan(0);
  return height;
}

describe.skipIf(chromiumPath === undefined)(
  'the page of a model',
  { timeout: 3 * patienceMs },
  () => {
    beforeAll(async () => {
      service = await startService({ UMBRA_MODELS_DIR: join(repoRoot, 'models') });
      browser = await startChromium();
      list = await ask(`/v1/models/${model}/layers`);
      await service.startWorker();
      const bytes = await readFile(photo);
      const dataset = await uploadPhotos(service.url, [{ name: 'cat.jpg', bytes }]);
      job = await submitJob(service.url, { dataset, model, settings: { patch: 112, stride: 112 } });
      await waitForJob(service.url, job);
    }, 2 * patienceMs);
    afterAll(async () => {
      await browser?.close();
      await service?.close();
    });

    test('tells what the model is, and lists its layers, which are searched', async () => {
      const facts = await ask<ModelDetail>(`/v1/models/${model}`);
      await visit(browser, { baseURL: service.url, ...desk }, async (page) => {
        await page.goto('/models');
        await page.getByRole('link', { name: model }).click();
        await page.getByText(facts.digest).waitFor();
        await page.getByText('1,000', { exact: true }).waitFor();
        await page.getByText('(p / 255 − mean) / std, mean 0.498039', { exact: false }).waitFor();
        const rows = page.locator('.layers-table tbody tr');
        await rows.first().waitFor();
        expect(await rows.count()).toBe(list.layers.length);
        const conv = layerWhere(({ convolution }) => convolution === 3);
        await page.getByRole('searchbox').fill('conv:3 conv');
        expect(await rows.count()).toBe(
          list.layers.filter(({ convolution }) => String(convolution ?? '').startsWith('3')).length,
        );
        expect(await rows.first().innerText()).toContain(conv.name);
        expect(view(page)).toEqual({ find: 'conv:3 conv' });
      });
    });

    test('is used by keys: the table leads to a layer, whose numbers are those of the service', async () => {
      const [first, second] = list.layers;
      await visit(browser, { baseURL: service.url, ...desk }, async (page) => {
        await page.goto(pathTo({}));
        await page.locator('.layer-name').first().focus();
        await page.keyboard.press('End');
        await page.keyboard.press('Home');
        await page.keyboard.press('ArrowDown');
        await page.keyboard.press('Enter');
        await page.getByRole('heading', { name: second?.name ?? '', exact: true }).waitFor();
        expect(view(page)).toEqual({ layer: second?.name });
        await page.keyboard.press('ArrowUp');
        await page.keyboard.press('Enter');
        await page.getByRole('heading', { name: first?.name ?? '', exact: true }).waitFor();
        const field = first?.receptiveField;
        if (field?.kind !== 'window') throw new Error('Expected a window');
        await page
          .getByText(`A unit of this layer depends on ${field.y.size} × ${field.x.size} px`, {
            exact: false,
          })
          .waitFor();
      });
    });

    test('draws filters in each mode that a layer has, and says why others have none', async () => {
      const colour = layerWhere(({ filters }) => filters?.[1] === 3);
      const matrix = layerWhere(({ filters }) => filters?.[2] === 1 && filters[3] === 1);
      const dense = layerWhere(({ kind }) => kind === 'dense');
      await visit(browser, { baseURL: service.url, ...desk }, async (page) => {
        await page.goto(pathTo({ layer: colour.name }));
        const rgb = await heightOf(page, `Filters of ${colour.name}, in colour`);
        await page.getByRole('button', { name: 'Each its own' }).click();
        await page.getByText('Each tile is scaled by itself', { exact: false }).waitFor();
        expect(view(page)).toEqual({ layer: colour.name, scale: 'own' });
        await page.getByRole('button', { name: 'By channel' }).click();
        const slices = await heightOf(page, `Filters of ${colour.name}, by channel`);
        expect(slices).toBeGreaterThan(rgb);
        await page.getByRole('button', { name: 'All in one' }).click();
        await heightOf(page, `Filters of ${colour.name}, all in one`);
        expect(view(page)).toMatchObject({ mode: 'collated' });

        await page.goto(pathTo({ layer: matrix.name }));
        await page.getByText('One row for each kernel', { exact: false }).waitFor();
        expect(await page.getByRole('button', { name: 'In colour' }).count()).toBe(0);
        await page.goto(pathTo({ layer: dense.name }));
        await page.getByText('A dense layer has one weight', { exact: false }).waitFor();
        await page.getByText('This layer gives no maps', { exact: false }).waitFor();
      });
    });

    test('turns the pages of many filters', async () => {
      const many = layerWhere(
        ({ filters }) =>
          filters !== null && (filters[2] ?? 1) > 1 && (filters[0] ?? 0) * (filters[1] ?? 0) > 192,
      );
      const pages = Math.ceil(((many.filters?.[0] ?? 0) * (many.filters?.[1] ?? 0)) / 192);
      await visit(browser, { baseURL: service.url, ...desk }, async (page) => {
        await page.goto(pathTo({ layer: many.name, mode: 'channels' }));
        await page.getByText(`Page 1 of ${pages}`).waitFor();
        await page.getByRole('button', { name: 'Next page' }).click();
        await page.getByText(`Page 2 of ${pages}`).waitFor();
        expect(view(page)).toMatchObject({ page: '2' });
      });
    });

    test('shows what a unit sees of a photo and what the layer answers to it, as the address says', async () => {
      const layer = layerWhere(({ convolution }) => convolution === 4);
      const [, , height = 0, width = 0] = layer.outputShape ?? [];
      await visit(browser, { baseURL: service.url, ...desk }, async (page) => {
        await page.goto(pathTo({ layer: layer.name }));
        await heightOf(page, `Activations of ${layer.name}`);
        await heightOf(page, `What a unit of ${layer.name} sees of the photo`);
        const sketch = page.getByRole('application');
        await sketch.press('ArrowUp');
        await sketch.press('ArrowLeft');
        const unit = { row: Math.floor(height / 2) - 1, column: Math.floor(width / 2) - 1 };
        expect(view(page)).toEqual({ layer: layer.name, unit: `${unit.row},${unit.column}` });
        const drawn = page.waitForResponse((response) => {
          const { pathname, searchParams } = new URL(response.url());
          const isField = pathname.endsWith('receptive-field.png');
          return isField && searchParams.get('unit') === `${unit.row},${unit.column}`;
        });
        await page.reload();
        expect((await drawn).status()).toBe(200);
        await heightOf(page, `What a unit of ${layer.name} sees of the photo`);
        expect(await page.getByLabel('Row (0', { exact: false }).inputValue()).toBe(
          String(unit.row),
        );
        await page.getByRole('button', { name: 'cat.jpg' }).click();
        expect(view(page)).toMatchObject({ job, image: 'img_00000000' });
      });
    });

    test('enlarges a picture by keys, the wheel and fingers, and moves it', async () => {
      const colour = layerWhere(({ filters }) => filters?.[1] === 3);
      await visit(browser, { baseURL: service.url, ...desk, hasTouch: true }, async (page) => {
        await page.goto(pathTo({ layer: colour.name }));
        await page
          .getByRole('button', { name: `Enlarge: Filters of ${colour.name}, in colour` })
          .click();
        const stage = page.getByRole('dialog').getByRole('application');
        const percent = async () =>
          Number.parseInt(await page.getByLabel('Zoom', { exact: true }).innerText(), 10);
        const place = () =>
          page.evaluate("document.querySelector('.zoom-picture').style.transform");
        await page.getByLabel('Zoom', { exact: true }).getByText('%').waitFor();
        const whole = await percent();
        await stage.press('+');
        await stage.press('+');
        await expect.poll(percent).toBeGreaterThan(2 * whole);
        const before = await place();
        await stage.press('ArrowRight');
        await expect.poll(place).not.toBe(before);
        const keyed = await percent();
        await stage.hover();
        const scrolled = await page.evaluate('scrollY');
        await page.mouse.wheel(0, -300);
        await expect.poll(percent).toBeGreaterThan(1.9 * keyed);
        expect(await page.evaluate('scrollY')).toBe(scrolled);
        await stage.press('0');
        await expect.poll(percent).toBe(whole);
        await pinch(page, stage);
        await expect.poll(percent).toBeGreaterThan(1.5 * whole);
        const rendering =
          "getComputedStyle(document.querySelector('.zoom-picture')).imageRendering";
        expect(await page.evaluate(rendering)).toBe('pixelated');
        expect(await findFaults(page)).toEqual([]);
        await page.keyboard.press('Escape');
        await page.getByRole('dialog').waitFor({ state: 'detached' });
      });
    });

    test('tells why a model is set aside, and has it run again', async () => {
      const redis = new Redis(service.redis.url);
      const { digest } = list;
      try {
        const losses = createLossLedger(redis);
        for (const index of [0, 1, 2]) {
          const item = { id: `img_0000000${index}`, name: 'a.png', sha256: `${index}`.repeat(64) };
          const run = {
            jobId: `job_${'z'.repeat(20)}`,
            attempt: 1,
            item,
            model: { name: model, digest },
          };
          await losses.record(run, 'exit code 7');
          await losses.record(run, 'exit code 7');
        }
        await visit(browser, { baseURL: service.url, ...desk }, async (page) => {
          await page.goto(pathTo({}));
          await page
            .getByRole('alert')
            .getByText('images one after another', { exact: false })
            .waitFor();
          await page.getByRole('button', { name: 'Run it again' }).click();
          await page.getByRole('alert').waitFor({ state: 'detached' });
          expect(await losses.findSetAside(digest)).toBeNull();
        });
      } finally {
        redis.disconnect();
      }
    });

    test('is accessible in both themes, and fits the width of a phone', async () => {
      const layer = layerWhere(({ filters }) => filters?.[1] === 3);
      await visit(browser, { baseURL: service.url, ...desk }, async (page) => {
        await page.goto(pathTo({ layer: layer.name }));
        await heightOf(page, `Activations of ${layer.name}`);
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          expect([colorScheme, await findFaults(page)]).toEqual([colorScheme, []]);
        }
        await page.setViewportSize({ width: 390, height: 844 });
        expect(await beyondWidth(page)).toBe(0);
      });
    });

    test('says what is missing', async () => {
      await visit(browser, { baseURL: service.url }, async (page, errors) => {
        await page.goto('/models/nothing');
        await page.getByText('There is no such thing here').waitFor();
        await page.goto(pathTo({ layer: 'nothing' }));
        await page.getByText("This model has no layer 'nothing'").waitFor();
        // What the browser itself says of the model that is not there.
        expect(errors.splice(0).every((error) => error.includes('404'))).toBe(true);
      });
    });
  },
);

/** Move two fingers apart on an element. */
async function pinch(page: Page, element: ReturnType<Page['getByRole']>): Promise<void> {
  const { x, y, width, height } = (await element.boundingBox()) ?? {
    x: 0,
    y: 0,
    width: 0,
    height: 0,
  };
  const [middleX, middleY] = [x + width / 2, y + height / 2];
  const devtools = await page.context().newCDPSession(page);
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', apart: number) =>
    devtools.send('Input.dispatchTouchEvent', {
      type,
      touchPoints:
        type === 'touchEnd'
          ? []
          : [
              { x: middleX - apart, y: middleY, id: 0 },
              { x: middleX + apart, y: middleY, id: 1 },
            ],
    });
  await touch('touchStart', 40);
  for (const apart of [60, 80, 100, 120]) await touch('touchMove', apart);
  await touch('touchEnd', 120);
}
