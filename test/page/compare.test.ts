import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readVerifiedBundle } from '@umbra/engine';
import { writeTinyBundle } from '@umbra/engine/testing';
import { publishModel } from '@umbra/platform/store/models';
import type { ImageResult } from '@umbra/shared/contracts/result';
import type { Browser, Download, Locator, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, startChromium } from '../support/chromium.js';
import {
  makePhotos,
  startService,
  submitJob,
  type TestService,
  waitForJob,
} from '../support/service.js';
import { beyondWidth, findFaults, patienceMs, visit } from './visit.js';

/** The model's input is 32 px square: 4 x 4 patches of 8 px, or 7 x 7 where every 4 px. */
const inputPx = 32;
const settings = { patch: 8, stride: 8, target: { kind: 'label' } };
/** The last one is no class of the model. */
const folders = ['kind 0', 'kind 1', 'kind 2', 'house'];

let service: TestService;
let browser: Browser;
/** Of one dataset: by one model, by another one, and of class 0 with half the stride, which no photo fails. */
let jobs: { plain: string; model: string; finer: string };

async function uploadLabelled(): Promise<string> {
  const form = new FormData();
  for (const [at, { name, bytes }] of (await makePhotos(folders.length)).entries()) {
    form.append('images', new Blob([new Uint8Array(bytes)]), `${folders[at]}/${name}`);
  }
  const response = await fetch(`${service.url}/v1/datasets?labels=folder`, {
    method: 'POST',
    body: form,
  });
  return ((await response.json()) as { id: string }).id;
}

/** A drop of each position of an image, row by row: what its files say. */
async function dropsOf(job: string, image = 'img_00000000'): Promise<number[]> {
  const path = `${service.url}/v1/jobs/${job}/images/${image}`;
  const bytes = Buffer.from(await (await fetch(`${path}/scores.npy`)).arrayBuffer());
  const body = bytes.subarray(10 + bytes.readUInt16LE(8));
  const result = (await (await fetch(`${path}/result.json`)).json()) as ImageResult;
  const baseline = result.targets[0]?.score ?? Number.NaN;
  return Array.from({ length: body.length / 4 }, (_, at) => baseline - body.readFloatLE(at * 4));
}

const figure = (page: Page, name: string): Locator =>
  page.getByRole('figure', { name, exact: true });
/** The number that a map tells of the cell under the cursor, as it is written. */
const told = async (page: Page, name: string, what: string): Promise<number> =>
  Number((await figure(page, name).getByTestId(what).innerText()).replace('\u2212', '-'));
/** As the page writes a difference. */
const written = (value: number): number =>
  Number(Math.abs(value) >= 0.001 ? value.toPrecision(3) : value.toExponential(1));

/** Point at a place of the model's input, in one of the maps. */
async function pointAt(
  page: Page,
  name: string,
  { y, x }: { y: number; x: number },
): Promise<void> {
  const map = figure(page, name).getByRole('application');
  await map.scrollIntoViewIfNeeded();
  const box = (await map.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
  await page.mouse.move(box.x + (box.width * x) / inputPx, box.y + (box.height * y) / inputPx);
}

const bytesOf = async (download: Download): Promise<Buffer> => readFile(await download.path());

describe.skipIf(chromiumPath === undefined)(
  'a comparison, in a browser',
  { timeout: 3 * patienceMs },
  () => {
    beforeAll(async () => {
      service = await startService();
      browser = await startChromium();
      const bundle = await writeTinyBundle(join(service.folder, 'more'), {
        ...{ name: 'other', seed: 7 },
      });
      await publishModel(service.store, bundle, await readVerifiedBundle(bundle));
      await service.startWorker();
      const dataset = await uploadLabelled();
      const start = (model: string, more: object = {}) =>
        submitJob(service.url, { dataset, model, settings: { ...settings, ...more } });
      jobs = {
        plain: await start('tiny'),
        model: await start('other'),
        finer: await start('tiny', { stride: 4, target: { kind: 'class', index: 0 } }),
      };
      for (const job of Object.values(jobs)) await waitForJob(service.url, job);
    }, patienceMs);
    afterAll(async () => {
      await browser?.close();
      await service?.close();
    });

    test('is chosen from a job, and its numbers are those of the files', async () => {
      const size = { width: 1280, height: 1000 };
      await visit(browser, { baseURL: service.url, viewport: size }, async (page) => {
        await page.goto(`/jobs/${jobs.plain}`);
        await page.getByRole('link', { name: 'Compare with' }).click();
        await page.getByText('Choose two jobs').waitFor();
        await page.getByRole('combobox', { name: 'Job B' }).click();
        await page.getByRole('option', { name: /^other/ }).click();
        await page.getByRole('cell', { name: 'other', exact: true }).waitFor();
        expect(await page.getByRole('button', { name: 'photos in both' }).innerText()).toContain(
          String(folders.length),
        );
        await page.getByRole('link', { name: /photo-0\.png/ }).click();
        await figure(page, 'Difference').waitFor();
        const [a, b] = [await dropsOf(jobs.plain), await dropsOf(jobs.model)];
        for (const [row, column] of [
          [0, 0],
          [1, 2],
          [3, 3],
        ] as const) {
          const at = row * 4 + column;
          const [ofA = 0, ofB = 0] = [a[at], b[at]];
          for (const from of ['Map A', 'Map B', 'Difference']) {
            await pointAt(page, from, { y: row * 8 + 4, x: column * 8 + 4 });
            expect(await told(page, 'Map A', 'drop')).toBe(written(ofA));
            expect(await told(page, 'Map B', 'drop')).toBe(written(ofB));
            expect(await told(page, 'Difference', 'difference')).toBe(written(ofB - ofA));
          }
        }
        await pointAt(page, 'Map B', { y: 12, x: 20 });
        await page.mouse.down();
        await page.mouse.up();
        await page.waitForURL(/at=/);
        await page.mouse.move(1, 1);
        // A link shows the same place.
        await page.reload();
        await figure(page, 'Difference').getByTestId('difference').waitFor();
        expect(await told(page, 'Map A', 'drop')).toBe(written(a[1 * 4 + 2] ?? 0));
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          expect([colorScheme, await findFaults(page)]).toEqual([colorScheme, []]);
        }
        await page.setViewportSize({ width: 390, height: 844 });
        expect(await beyondWidth(page)).toBe(0);
      });
    });

    test('of two grids has the finer one, and the cells that cover a place', async () => {
      await visit(browser, { baseURL: service.url }, async (page) => {
        await page.goto(`/compare?a=${jobs.plain}&b=${jobs.finer}&image=img_00000000`);
        await page.getByText('The grids differ').waitFor();
        const [coarse, fine] = [await dropsOf(jobs.plain), await dropsOf(jobs.finer)];
        // Centres of the finer grid are at 4, 8, ... 28 px: (17, 30) is nearest to (16, 28).
        await pointAt(page, 'Map A', { y: 17, x: 30 });
        const [ofA = 0, ofB = 0] = [coarse[2 * 4 + 3], fine[3 * 7 + 6]];
        expect(await told(page, 'Map A', 'drop')).toBe(written(ofA));
        expect(await told(page, 'Map B', 'drop')).toBe(written(ofB));
        expect(await told(page, 'Difference', 'difference')).toBe(written(ofB - ofA));
        // Keys move over the cells of the map that has them.
        await page.mouse.move(1, 1);
        await figure(page, 'Map B').getByRole('application').press('ArrowLeft');
        expect(await told(page, 'Map B', 'drop')).toBe(written(fine[0] ?? 0));
        expect(await told(page, 'Map A', 'drop')).toBe(written(coarse[0] ?? 0));
      });
    });

    test('says which photo one of the jobs has no map of, and lists what is asked for', async () => {
      await visit(browser, { baseURL: service.url }, async (page) => {
        await page.goto(`/compare?a=${jobs.plain}&b=${jobs.finer}&image=img_00000003`);
        await page.getByText("got 'house'").waitFor();
        await page.getByRole('link', { name: 'Look at its map' }).waitFor();
        await page.getByRole('button', { name: 'predictions changed' }).click();
        await page.getByText('No photo of both jobs is like that.').waitFor();
        await page.goto(`/compare?a=${jobs.plain}&b=${jobs.model}&image=img_00000099`);
        await page.getByText('This photo is not in both jobs').waitFor();
        await page.goto(`/compare?a=${jobs.plain}&b=${jobs.model}`);
        const listed = page.locator('.compare-item .list-name');
        await listed.first().click();
        await page.getByRole('link', { name: /^Next/ }).waitFor();
        await page.keyboard.press('j');
        const title = page.getByRole('heading', {
          level: 2,
          name: await listed.nth(1).innerText(),
        });
        await title.waitFor();
        await figure(page, 'Difference').waitFor();
        await page.keyboard.press('2');
        await page.waitForURL(/view=map/);
        await page.goto('/compare');
        await page.getByText('Choose two jobs').waitFor();
        expect(await findFaults(page)).toEqual([]);
      });
    });

    test('an image is saved as it is looked at', async () => {
      await visit(browser, { baseURL: service.url }, async (page) => {
        await page.goto(`/jobs/${jobs.plain}/images/img_00000001`);
        const save = async (form: string): Promise<Buffer> => {
          const button = page.getByRole('button', { name: form, exact: true });
          const [download] = await Promise.all([page.waitForEvent('download'), button.click()]);
          expect(download.suggestedFilename()).toBe(`photo-1-view.${form.toLowerCase()}`);
          return bytesOf(download);
        };
        const svg = String(await save('SVG'));
        expect(svg).toContain('<image href="data:image/jpeg;base64,');
        expect(svg).toContain('kind 1: probability ');
        const drops = await dropsOf(jobs.plain, 'img_00000001');
        const painted = drops.filter((drop) => drop !== 0).length;
        const rects = svg.match(/<rect x="\d+" y="\d+" width="\d+" height="\d+" fill="rgb/g) ?? [];
        expect(rects.length).toBeGreaterThan(1);
        expect(rects.length).toBeLessThanOrEqual(painted);
        const { width, height, format } = await sharp(await save('PNG')).metadata();
        expect([format, width]).toEqual(['png', 2 * (960 + 2 * 24)]);
        expect(height).toBeGreaterThan(2 * 864);
        // Alone, every cell has a colour.
        await page.getByRole('button', { name: 'Map', exact: true }).click();
        await page.waitForURL(/view=map/);
        expect(String(await save('SVG'))).not.toContain('fill-opacity="0.8"');
      });
    });
  },
);
