import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeOnnx, slowNetwork, writeTinyBundle } from '@umbra/engine/testing';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { at } from '@umbra/shared/assert';
import type { JobStatus } from '@umbra/shared/contracts/job';
import type { ImageRow, RowFacets } from '@umbra/shared/contracts/row';
import type { Browser, Page } from 'playwright-core';
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

let folder: string;
let service: TestService;
let browser: Browser;
/** A job of labelled photos that has ended. */
let job: string;
const images = 30;
const patiently = { timeout: patienceMs };

/** Photos in folders, each of which is their label. */
async function uploadLabelled(
  photos: Awaited<ReturnType<typeof makePhotos>>,
  labels: readonly string[],
): Promise<string> {
  const form = new FormData();
  for (const [index, { name, bytes }] of photos.entries()) {
    const label = at(labels, index % labels.length);
    form.append('images', new Blob([new Uint8Array(bytes)]), `${label}/${name}`);
  }
  const response = await fetch(`${service.url}/v1/datasets?labels=folder`, {
    ...{ method: 'POST', body: form },
  });
  expect(response.status).toBe(201);
  return ((await response.json()) as { id: string }).id;
}

async function readRows(of: string, query: string): Promise<ImageRow[]> {
  const response = await fetch(`${service.url}/v1/jobs/${of}/rows?${query}`);
  return ((await response.json()) as { data: ImageRow[] }).data;
}

const searchOf = (page: Page) => [...new URL(page.url()).searchParams.entries()];

/** Wait for the tiles' names, in their order. */
async function expectNames(page: Page, rows: readonly ImageRow[]): Promise<void> {
  const names = rows.map(({ name }) => name.split('/').at(-1));
  await expect.poll(() => page.locator('.tile-name').allInnerTexts(), patiently).toEqual(names);
}

/** Wait until a job has ended, however busy the machine is. */
async function ended(of: string): Promise<void> {
  const path = `${service.url}/v1/jobs/${of}`;
  const readState = async () => ((await (await fetch(path)).json()) as JobStatus).state;
  await expect.poll(readState, patiently).toBe('completed');
}

const countOf = (page: Page) => page.locator('.wall-count');
const facetOf = (page: Page, name: string) => page.getByRole('region', { name, exact: true });

describe.skipIf(chromiumPath === undefined)('the wall', { timeout: 3 * patienceMs }, () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'umbra-wall-'));
    await writeTinyBundle(folder, { name: 'tiny' });
    const onnx = encodeOnnx(slowNetwork());
    await writeTinyBundle(folder, { name: 'slow', size: 96, classes: 4, onnx });
    service = await startService({ UMBRA_MODELS_DIR: folder });
    browser = await startChromium();
    await service.startWorker({ UMBRA_INFERENCE_THREADS: '1' });
    const labels = ['kind 0', 'kind 1', 'kind 2'];
    const dataset = await uploadLabelled(await makePhotos(images), labels);
    const settings = { patch: 8, stride: 8 };
    job = await submitJob(service.url, { dataset, model: 'tiny', settings });
    await waitForJob(service.url, job);
  }, patienceMs);
  afterAll(async () => {
    await browser?.close();
    await service?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const wide = () => ({ baseURL: service.url, viewport: { width: 1280, height: 1400 } });

  test('sorts and filters as the address says, which is restored', async () => {
    await visit(browser, wide(), async (page) => {
      await page.goto(`/jobs/${job}`);
      await countOf(page).getByText(`${images} images`, { exact: true }).waitFor();
      await expectNames(page, await readRows(job, ''));

      await page.getByRole('combobox', { name: 'Sort by' }).click();
      await page.getByRole('option', { name: 'Largest drop' }).click();
      await expectNames(page, await readRows(job, 'sort=-drop'));
      expect(searchOf(page)).toEqual([['sort', '-drop']]);

      const facets = (await (
        await fetch(`${service.url}/v1/jobs/${job}/rows/facets`)
      ).json()) as RowFacets;
      const pair = at(facets.pairs.values, 0);
      const { label, predicted, count } = pair;
      const words = `${label} → ${predicted?.label}`;
      await facetOf(page, 'Label → predicted').getByRole('button', { name: words }).click();
      await countOf(page).getByText(`${count} of ${images} images`).waitFor();
      const where = [`label=${label}`, `predicted.index=${predicted?.index}`];
      const asked = new URLSearchParams(where.map((one): [string, string] => ['where', one]));
      const fitting = await readRows(job, `sort=-drop&${asked}`);
      expect(fitting).toHaveLength(count);
      await expectNames(page, fitting);
      expect(searchOf(page)).toEqual([['sort', '-drop'], ...where.map((one) => ['where', one])]);

      await page.reload();
      await countOf(page).getByText(`${count} of ${images} images`).waitFor();
      await expectNames(page, fitting);
      const csv = await page.getByRole('link', { name: 'CSV' }).getAttribute('href');
      const table = await (await fetch(`${service.url}${csv}`)).text();
      expect(table.trim().split('\n')).toHaveLength(count + 1);

      await page.getByRole('button', { name: `Remove the filter Label: ${label}` }).click();
      await page.getByRole('searchbox', { name: 'Name contains' }).fill('no such name');
      await page.getByRole('heading', { name: 'No image fits' }).waitFor();
      await page.getByRole('button', { name: 'Remove all filters' }).click();
      await countOf(page).getByText(`${images} images`, { exact: true }).waitFor();
      expect(searchOf(page)).toEqual([['sort', '-drop']]);
    });
  });

  test('says what is wrong with an address, and leads out of it', async () => {
    await visit(browser, wide(), async (page, errors) => {
      await page.goto(`/jobs/${job}?where=size%3D3`);
      await page.getByRole('alert').getByText('a field of rows').waitFor();
      await page.getByRole('button', { name: 'Remove all filters' }).click();
      await countOf(page).getByText(`${images} images`, { exact: true }).waitFor();
      // What the browser itself says of each refusal.
      expect(errors.splice(0).every((error) => error.includes('400'))).toBe(true);
    });
  });

  test('is walked through by keys, and come back to at the same image', async () => {
    const rows = await readRows(job, 'sort=-drop');
    await visit(browser, wide(), async (page) => {
      await page.goto(`/jobs/${job}?sort=-drop`);
      const cells = page.getByRole('gridcell');
      await cells.first().waitFor();
      const grid = page.getByRole('grid', { name: 'Images' });
      const columns = Number(await grid.getAttribute('aria-colcount'));
      expect(Number(await grid.getAttribute('aria-rowcount'))).toBe(Math.ceil(images / columns));
      const focused = () => page.evaluate('document.activeElement.innerText');
      await cells.first().focus();
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowDown');
      const place = columns + 1;
      const { id, name, predicted } = at(rows, place);
      expect(await focused()).toContain(name.split('/').at(-1));
      expect(await focused()).toContain(predicted?.label);
      expect(await focused()).toContain(`${place + 1} of ${images}`);
      await page.keyboard.press('Control+End');
      expect(await focused()).toContain(`${images} of ${images}`);
      await page.keyboard.press('Control+Home');
      expect(await focused()).toMatch(new RegExp(`, 1 of ${images}$`));
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await page.waitForURL(`**/jobs/${job}/images/${id}`);
      await page.getByRole('heading', { level: 1, name }).waitFor();
      await page.goBack();
      await expect.poll(focused, patiently).toContain(`${place + 1} of ${images}`);
      expect(searchOf(page)).toEqual([
        ['sort', '-drop'],
        ['at', String(place)],
      ]);
    });
  });

  test('is accessible in both themes, and fits a phone', async () => {
    await visit(browser, wide(), async (page) => {
      await page.goto(`/jobs/${job}?sort=-flips&where=label%3Dkind%200`);
      await page.locator('.tile-picture > img').first().waitFor();
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        expect([colorScheme, await findFaults(page)]).toEqual([colorScheme, []]);
      }
      await page.setViewportSize({ width: 390, height: 844 });
      expect(await beyondWidth(page)).toBe(0);
      await page.goto(`/jobs/${job}?where=name~nothing`);
      await page.getByRole('heading', { name: 'No image fits' }).waitFor();
      expect([await beyondWidth(page), await findFaults(page)]).toEqual([0, []]);
    });
  });

  test('fills tiles as bands arrive, and is right when the job has ended', async () => {
    const photos = (await makePhotos(images + 2)).slice(images);
    const dataset = await uploadLabelled(photos, ['kind 0']);
    const settings = { patch: 16, stride: 8, strategy: 'dense' };
    const body = { dataset, model: 'slow', settings, rowsPerShard: 1, reuse: false };
    const running = await submitJob(service.url, body);
    await visit(browser, wide(), async (page) => {
      await page.goto(`/jobs/${running}?sort=-drop`);
      await page.locator('.tile-stage canvas').first().waitFor();
      await ended(running);
      await expect
        .poll(() => page.locator('.tile-picture > img').count(), patiently)
        .toBe(photos.length);
      const rows = await readRows(running, 'sort=-drop');
      expect(rows.map(({ state }) => state)).toEqual(Array(photos.length).fill('completed'));
      await expectNames(page, rows);
      const left = () => page.locator('.tile-stage, .wall-news').count();
      await expect.poll(left, patiently).toBe(0);
    });
  });

  test('an image fills by its bands, and is hardly asked for', async () => {
    const photos = (await makePhotos(images + 11)).slice(images + 10);
    const dataset = await uploadLabelled(photos, ['kind 0']);
    const settings = { patch: 16, stride: 8, strategy: 'dense' };
    const body = { dataset, model: 'slow', settings, rowsPerShard: 1, reuse: false };
    await visit(browser, wide(), async (page) => {
      const running = await submitJob(service.url, body);
      let asked = 0;
      let streams = 0;
      page.on('request', (request) => {
        if (request.url().endsWith('/partial')) asked += 1;
        if (request.url().includes('bands=true&image=img_00000000')) streams += 1;
      });
      const began = Date.now();
      await page.goto(`/jobs/${running}/images/img_00000000`);
      await page.getByText(/^\d+ of 121 patches$/).waitFor();
      await page.getByRole('button', { name: 'Show the patch that matters most' }).waitFor();
      const seconds = (Date.now() - began) / 1000;
      expect(streams).toBeGreaterThan(0);
      // Five times a second, it would be; once for its first band, and in case that one is missed.
      expect(asked).toBeLessThan(8 + 2 * seconds);
    });
  });

  test('does not move under who reads it, and says what came', async () => {
    const photos = (await makePhotos(images + 6)).slice(images + 3);
    const dataset = await uploadLabelled(photos, ['kind 0']);
    const settings = { patch: 16, stride: 16, strategy: 'dense' };
    const body = { dataset, model: 'slow', settings, rowsPerShard: 1, reuse: false };
    const running = await submitJob(service.url, body);
    await visit(browser, wide(), async (page) => {
      await page.goto(`/jobs/${running}?sort=-drop`);
      await page.getByRole('gridcell').first().focus();
      const before = await page.locator('.tile-name').allInnerTexts();
      await ended(running);
      await page.getByText(/more finished/).waitFor();
      await expect
        .poll(() => page.locator('.tile-picture > img').count(), patiently)
        .toBe(photos.length);
      expect(await page.locator('.tile-name').allInnerTexts()).toEqual(before);
      await page.getByRole('button', { name: 'Show', exact: true }).click();
      await expectNames(page, await readRows(running, 'sort=-drop'));
      await expect.poll(() => page.locator('.wall-news').count(), patiently).toBe(0);
    });
  });

  test('lists what failed, with the reasons, and runs it again', async () => {
    // Photos of their own: a worker keeps the last ones that it has decoded.
    const photos = (await makePhotos(images + 10)).slice(images + 6);
    const dataset = await uploadLabelled(photos, ['kind 0']);
    const manifest = (await service.store.get(keys.manifest(defaultTenant, dataset))).toString();
    const items = manifest
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { name: string; sha256: string });
    const { name, sha256 } = at(items, 1);
    const key = keys.image(defaultTenant, dataset, sha256);
    const photo = await service.store.get(key);
    await service.store.put(key, Buffer.from('not the photo'));
    const settings = { patch: 8, stride: 8 };
    const failing = await submitJob(service.url, {
      dataset,
      model: 'tiny',
      settings,
      reuse: false,
    });
    await waitForJob(service.url, failing);
    await visit(browser, wide(), async (page) => {
      await page.goto(`/jobs/${failing}`);
      const failures = page.locator('.failures', { hasText: name });
      await failures.waitFor();
      const [row] = await readRows(failing, 'where=state%3Dfailed');
      expect(await failures.innerText()).toContain(row?.error?.message);
      expect(await page.locator('.tile-picture[data-state=failed]').count()).toBe(1);
      expect(await findFaults(page)).toEqual([]);
      await service.store.put(key, photo);
      await failures.getByRole('button', { name: 'Retry these' }).click();
      await expect
        .poll(() => page.locator('.tile-picture > img').count(), patiently)
        .toBe(photos.length);
      expect(await page.locator('.failures').count()).toBe(0);
    });
  });
});
