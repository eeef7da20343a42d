import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Dataset, DatasetItem } from '@umbra/shared/contracts/dataset';
import type { JobEstimate, JobStatus } from '@umbra/shared/contracts/job';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, startChromium } from '../support/chromium.js';
import { until } from '../support/job-fixture.js';
import { postJob, startService, type TestService } from '../support/service.js';
import { beyondWidth, findFaults, patienceMs, photo, repoRoot, visit } from './visit.js';

let service: TestService;
let browser: Browser;

const notes = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no photo') };
const samples = ['cat.jpg', 'coffee.jpg'].map((name) => join(repoRoot, 'samples', 'photos', name));
const wide = { width: 1280, height: 900 };

/** Small photos, no two of which are the same. */
const makePhotos = (count: number) =>
  Promise.all(
    Array.from({ length: count }, async (_, index) => ({
      name: `photo-${index}.png`,
      mimeType: 'image/png',
      buffer: await sharp({
        create: {
          ...{ width: 8, height: 8, channels: 3 },
          background: { r: index % 256, g: Math.floor(index / 256), b: 0 },
        },
      })
        .png()
        .toBuffer(),
    })),
  );

const listed = async (): Promise<readonly Dataset[]> =>
  ((await (await fetch(`${service.url}/v1/datasets`)).json()) as { data: Dataset[] }).data;

const chooseFiles = (
  page: Page,
  files: Parameters<ReturnType<Page['locator']>['setInputFiles']>[0],
) => page.locator('input[type=file]').first().setInputFiles(files);

/** Numbers of the estimate, as they are shown. */
const factsOf = async (page: Page): Promise<Record<string, string>> =>
  Object.fromEntries(
    await page
      .locator('.facts > div')
      .evaluateAll((rows) =>
        rows.map((row) => ['dt', 'dd'].map((tag) => row.querySelector(tag)?.textContent ?? '')),
      ),
  );

describe.skipIf(chromiumPath === undefined)('a new job', { timeout: 3 * patienceMs }, () => {
  beforeAll(async () => {
    service = await startService({ UMBRA_MODELS_DIR: join(repoRoot, 'models') });
    browser = await startChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await service?.close();
  });

  test('goes from photos that are dropped to a job, with its grid in sight', async () => {
    await visit(browser, { baseURL: service.url, viewport: wide }, async (page, errors) => {
      await page.goto('/datasets');
      await page.getByText('No datasets yet').waitFor();
      const [cat, coffee] = samples;
      await chooseFiles(page, [cat ?? '', coffee ?? '']);
      await page.getByText('2 photos', { exact: false }).first().waitFor();
      await page.getByRole('status').getByRole('link', { name: 'New job' }).click();
      await page.waitForURL('**/jobs/new?dataset=*');
      const [dataset] = await listed();
      expect(new URL(page.url()).searchParams.get('dataset')).toBe(dataset?.id);

      // As by default: 32 px every 16 over 224, cut at the edge.
      await page.getByRole('application', { name: 'A grid of 13 by 13 positions' }).waitFor();
      await page.getByLabel('Patch, px').fill('48');
      await page.getByLabel('Stride, px').fill('44');
      const grid = page.getByRole('application', { name: 'A grid of 5 by 5 positions' });
      await grid.waitFor();
      await grid.press('ArrowRight');
      await grid.press('End');
      await grid.press('ArrowDown');
      await page.getByText('Row 1, column 4 of 5 × 5 (25 positions)').waitFor();
      const seen = page.getByAltText("The model's input with the patch at row 1, column 4");
      await seen.waitFor();
      await until('the drawn input', async () =>
        Number(await page.evaluate("document.querySelector('.seen').naturalWidth")) > 0
          ? true
          : null,
      );
      expect(await seen.getAttribute('src')).toContain('row=1&column=4&grid=0');
      const box = await grid.boundingBox();
      if (box === null) throw new Error('Expected the grid to be shown');
      await page.mouse.move(box.x + box.width * 0.5, box.y + box.height * 0.1);
      await page.getByText('Row 0, column 2 of 5 × 5').waitFor();
      await page.mouse.move(0, 0);
      await page.getByText('x 88–136, y 0–48 px of the input').waitFor();

      const wish = { dataset: dataset?.id, model: 'efficientnet-lite0' };
      const settings = { patch: 48, stride: 44 };
      const estimate = await estimateOf({ ...wish, settings });
      expect(estimate).toMatchObject({ positionsPerImage: 25, forwardPasses: 52, seconds: null });
      await until('the estimate', async () =>
        (await factsOf(page))['Forward passes'] === '52' ? true : null,
      );
      expect(await factsOf(page)).toMatchObject({
        Photos: '2',
        'Positions a photo': '25',
        Time: 'unknown: no worker runs it now',
      });
      await page.getByRole('button', { name: 'Next photo' }).click();
      await page.waitForURL('**image=img_00000001**');
      await until('the other photo', async () =>
        (await page.locator('.stage-photo').getAttribute('src'))?.includes('img_00000001')
          ? true
          : null,
      );

      await page.reload();
      await grid.waitFor();
      await page.getByRole('button', { name: 'Start the job' }).click();
      await page.waitForURL('**/jobs/job_*');
      const id = page.url().split('/').at(-1);
      const job = (await (await fetch(`${service.url}/v1/jobs/${id}`)).json()) as JobStatus;
      expect(job.dataset).toBe(dataset?.id);
      expect(job.settings).toMatchObject({
        patch: { height: 48, width: 48 },
        stride: { y: 44, x: 44 },
        fill: { kind: 'constant', value: 0 },
        target: { kind: 'predicted' },
      });
      expect(errors).toEqual([]);
    });
  });

  test('asks again for what a job ran with', async () => {
    const [dataset] = await listed();
    const settings = {
      patch: [16, { height: 24, width: 32 }],
      stride: 16,
      fill: { kind: 'blur', sigma: 4 },
      target: { kind: 'top', k: 2 },
      refine: { every: 4, share: 0.5 },
    };
    const wish = { dataset: dataset?.id, model: 'efficientnet-lite0', settings };
    const job = (await (await postJob(service.url, wish)).json()) as JobStatus;
    await visit(browser, { baseURL: service.url, viewport: wide }, async (page) => {
      await page.goto(`/jobs/${job.id}`);
      await page.getByRole('link', { name: 'Run again with other settings' }).click();
      expect(await page.getByLabel('Patch, px').inputValue()).toBe('16,24x32');
      expect(await page.getByLabel('Stride, px').inputValue()).toBe('16');
      expect(await page.getByLabel('Sigma, px').inputValue()).toBe('4');
      expect(await page.getByLabel('How many').inputValue()).toBe('2');
      // Each patch size has a grid of its own.
      await page.getByRole('application', { name: 'A grid of 14 by 14 positions' }).waitFor();
      await page.getByRole('button', { name: '32 × 24 px' }).click();
      await page.getByRole('application', { name: 'A grid of 14 by 13 positions' }).waitFor();
      await page.getByLabel('Sigma, px').fill('6');
      await page.getByRole('button', { name: 'Start the job' }).click();
      await page.waitForURL(
        (url) => /\/jobs\/job_\w+$/.test(url.pathname) && !url.pathname.includes(job.id),
      );
      const id = page.url().split('/').at(-1);
      const next = (await (await fetch(`${service.url}/v1/jobs/${id}`)).json()) as JobStatus;
      expect(next.settings).toEqual({ ...job.settings, fill: { kind: 'blur', sigma: 6 } });
    });
  });

  test('says at each field what was expected there', async () => {
    const [dataset] = await listed();
    await visit(browser, { baseURL: service.url, viewport: wide }, async (page, errors) => {
      await page.goto(`/jobs/new?dataset=${dataset?.id}&patch=32&stride=64`);
      const stride = page.getByLabel('Stride, px');
      await page
        .getByText('Expected the stride to be at most the patch, or allowGaps to be true')
        .waitFor();
      expect(await stride.getAttribute('aria-invalid')).toBe('true');
      await page.getByRole('switch', { name: 'Leave gaps between patches' }).click();
      await page.getByRole('application', { name: 'A grid of 4 by 4 positions' }).waitFor();
      expect(await stride.getAttribute('aria-invalid')).toBe('false');

      await page.getByLabel('Patch, px').fill('many');
      await page.getByText('Expected px, such as 32, or 24x32').waitFor();
      expect(await page.getByRole('button', { name: 'Start the job' }).isDisabled()).toBe(true);
      await page.getByLabel('Patch, px').fill('300');
      await page
        .getByText("Expected the vertical patch (300 px) to be at most the model's input (224 px)")
        .waitFor();
      await page.getByLabel('Patch, px').fill('64');
      await page.getByRole('application', { name: 'A grid of 4 by 4 positions' }).waitFor();
      // What the browser itself says of each refusal.
      expect(errors.splice(0).every((error) => error.includes('400'))).toBe(true);
    });
  });

  test('takes many photos in batches, goes on after a break, and names what it refused', async () => {
    const files = [...(await makePhotos(420)), notes];
    const before = (await listed()).length;
    await visit(browser, { baseURL: service.url }, async (page, errors) => {
      const sent: string[] = [];
      page.on('request', (request) => {
        if (request.method() === 'POST') sent.push(new URL(request.url()).pathname);
      });
      let batches = 0;
      await page.route('**/v1/datasets/*/images', async (route) => {
        batches += 1;
        if (batches === 2) await route.abort('connectionreset');
        else await route.continue();
      });
      await page.goto('/jobs/new');
      await chooseFiles(page, files);
      await page.getByText('The service cannot be reached').waitFor();
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.waitForURL('**dataset=ds_*');
      await page.getByText('notes.txt').waitFor();
      const dataset = (await listed()).at(-1);
      expect(dataset).toMatchObject({ state: 'ready', images: 420, refused: 1 });
      const path = `/v1/datasets/${dataset?.id}`;
      expect(sent.filter((one) => one.startsWith('/v1/datasets'))).toEqual([
        ...['/v1/datasets', ...Array(4).fill(`${path}/images`), `${path}/close`],
      ]);
      expect((await listed()).length).toBe(before + 1);
      expect(errors.splice(0).every((error) => error.includes('CONNECTION_RESET'))).toBe(true);
    });
  });

  test('tells how many bytes are sent, and leaves nothing of what is cancelled', async () => {
    const before = (await listed()).length;
    const pixels = Buffer.from(Array.from({ length: 900 * 900 * 3 }, (_, at) => (at * at) % 251));
    const large = sharp(pixels, { raw: { width: 900, height: 900, channels: 3 } });
    const buffer = await large.png({ compressionLevel: 0 }).toBuffer();
    await visit(browser, { baseURL: service.url }, async (page) => {
      await page.goto('/');
      const slow = await page.context().newCDPSession(page);
      await slow.send('Network.emulateNetworkConditions', {
        ...{ offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 200_000 },
      });
      await chooseFiles(page, [{ name: 'large.png', mimeType: 'image/png', buffer }]);
      const bar = page.getByRole('progressbar', { name: 'Sent' });
      const read = async () => ({
        value: Number(await bar.getAttribute('value')),
        max: Number(await bar.getAttribute('max')),
      });
      const first = await until('the first bytes', async () => {
        const now = await read();
        return now.value > 0 ? now : null;
      });
      expect(first.max).toBe(buffer.length);
      await until('more of them', async () => ((await read()).value > first.value ? true : null));
      expect((await read()).value).toBeLessThan(buffer.length);
      await page.locator('.drop').getByRole('button', { name: 'Cancel' }).click();
      await page.getByRole('button', { name: 'Choose photos' }).waitFor();
      expect((await listed()).length).toBe(before);
    });
  });

  test('keeps what is set while photos are sent', async () => {
    await visit(browser, { baseURL: service.url, viewport: wide }, async (page) => {
      // Made before what waits for it, which may come later than the page says that it sends.
      const [first, second] = [new AbortController(), new AbortController()];
      let gate = first;
      await page.route('**/v1/datasets', async (route) => {
        if (route.request().method() === 'POST' && !gate.signal.aborted) {
          await once(gate.signal, 'abort');
        }
        await route.continue();
      });
      await page.goto('/jobs/new');
      await chooseFiles(page, photo);
      await page.locator('.sending').waitFor();
      await page.getByLabel('Patch, px').fill('48');
      first.abort();
      await page.waitForURL('**dataset=ds_*');
      expect(new URL(page.url()).searchParams.get('patch')).toBe('48');

      gate = second;
      await page.goto('/');
      const asked = page.waitForRequest((request) => request.url().endsWith('/v1/jobs'));
      await chooseFiles(page, photo);
      await page.locator('.sending').waitFor();
      await page.getByLabel('Patch, px').fill('56');
      second.abort();
      expect((await asked).postDataJSON()).toMatchObject({ settings: { patch: 56 } });
    });
  });

  test('takes labels from the names of folders where that is wanted', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'umbra-folders-'));
    try {
      const [first, second] = await makePhotos(2);
      await mkdir(join(folder, 'cats'));
      await writeFile(join(folder, 'cats', 'a.png'), first?.buffer ?? '');
      await writeFile(join(folder, 'cats', 'b.png'), second?.buffer ?? '');
      await visit(browser, { baseURL: service.url }, async (page) => {
        await page.goto('/jobs/new');
        await page.getByRole('switch', { name: 'Names of folders are labels' }).click();
        await page.locator('input[webkitdirectory]').setInputFiles(join(folder, 'cats'));
        await page.waitForURL('**dataset=ds_*');
        await page.locator('.stage').waitFor();
        const dataset = (await listed()).at(-1);
        expect(dataset).toMatchObject({ images: 2, labelled: 2 });
        const path = `${service.url}/v1/datasets/${dataset?.id}/images`;
        const { data } = (await (await fetch(path)).json()) as { data: DatasetItem[] };
        expect(data.map(({ name, label }) => [name, label]).sort()).toEqual([
          ['cats/a.png', 'cats'],
          ['cats/b.png', 'cats'],
        ]);
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('refuses files that are no photos by name, and takes others then', async () => {
    await visit(browser, { baseURL: service.url }, async (page, errors) => {
      await page.goto('/datasets');
      await chooseFiles(page, [notes]);
      await page.getByText('Expected at least one image, got none').waitFor();
      await page.getByText('notes.txt').waitFor();
      await chooseFiles(page, photo);
      await page.getByText('1 photo (').waitFor();
      expect(errors.splice(0).every((error) => error.includes('400'))).toBe(true);
    });
  });

  test.each(['light', 'dark'] as const)('is accessible in the %s theme', async (colorScheme) => {
    const [dataset] = await listed();
    await visit(
      browser,
      { baseURL: service.url, colorScheme, viewport: wide },
      async (page, errors) => {
        for (const query of ['', `?dataset=${dataset?.id}`, `?dataset=${dataset?.id}&stride=64`]) {
          await page.goto(`/jobs/new${query}`);
          const place = query === '' ? page.locator('.drop') : page.locator('.preview-steps');
          await place.waitFor();
          if (query.includes('stride')) await page.locator('.bad').first().waitFor();
          expect([query, await findFaults(page)]).toEqual([query, []]);
        }
        await page.goto('/datasets');
        await page.locator('.list-row').first().waitFor();
        expect(await findFaults(page)).toEqual([]);
        expect(errors.splice(0).every((error) => error.includes('400'))).toBe(true);
      },
    );
  });

  test('fits the width of a phone', async () => {
    const [dataset] = await listed();
    const viewport = { width: 390, height: 844 };
    await visit(browser, { baseURL: service.url, viewport }, async (page) => {
      for (const query of ['', `?dataset=${dataset?.id}&patch=16,24x32&fill=blur:8`]) {
        await page.goto(`/jobs/new${query}`);
        await (query === '' ? page.locator('.drop') : page.locator('.stage')).waitFor();
        expect([query, await beyondWidth(page)]).toEqual([query, 0]);
      }
    });
  });
});

async function estimateOf(wish: unknown): Promise<JobEstimate> {
  const response = await fetch(`${service.url}/v1/jobs?dryRun=true`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(wish),
  });
  return (await response.json()) as JobEstimate;
}
