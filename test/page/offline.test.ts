import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { ImageResult } from '@umbra/shared/contracts/result';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, startChromium } from '../support/chromium.js';
import {
  makePhotos,
  startService,
  submitJob,
  type TestService,
  upload,
  waitForJob,
} from '../support/service.js';
import { beyondWidth, findFaults, patienceMs, repoRoot, visit } from './visit.js';

const umbra = join(repoRoot, 'apps', 'cli', 'bin', 'umbra.mjs');
/** Ends the script that it stands in, were it there as it is, and runs another. */
const hostile = '</script><script>document.title=`stolen`</script><img src=x onerror=alert(1)>';

let service: TestService;
let browser: Browser;
let folder: string;
let job: string;
/** Address of the file. */
let url: string;

/** Open the file without a network; fail where it asks for anything but itself. */
async function visitFile(
  options: BrowserContextOptions,
  use: (page: Page) => Promise<void>,
): Promise<void> {
  await visit(browser, options, async (page) => {
    const asked: string[] = [];
    page.on('request', (request) => {
      if (!/^(file|data|blob):/.test(request.url())) asked.push(request.url());
    });
    await page.context().setOffline(true);
    await page.goto(url);
    await page.locator('.wall img').first().waitFor();
    await use(page);
    expect(asked).toEqual([]);
    expect(await page.title()).not.toBe('stolen');
  });
}

/** Open the image of a number. */
async function openImage(page: Page, index: number): Promise<void> {
  await page.goto(`${url}#/jobs/${job}/images/img_0000000${index}`);
  await page.getByRole('application').waitFor();
}

/** Scores of an image, as NumPy would read them. */
function readScores(bytes: Buffer): Float32Array {
  const body = bytes.subarray(10 + bytes.readUInt16LE(8));
  return Float32Array.from({ length: body.length / 4 }, (_, at) => body.readFloatLE(at * 4));
}

async function fetchFile(index: number, file: string): Promise<Buffer> {
  const path = `/v1/jobs/${job}/images/img_0000000${index}/${file}`;
  return Buffer.from(await (await fetch(service.url + path)).arrayBuffer());
}

/** Ids of the job's images in an order. */
async function fetchIds(sort: string): Promise<string[]> {
  const answer = await fetch(`${service.url}/v1/jobs/${job}/rows?sort=${sort}`);
  return ((await answer.json()) as { data: { id: string }[] }).data.map(({ id }) => id);
}

describe.skipIf(chromiumPath === undefined)(
  'a job in one file, without a network',
  { timeout: 3 * patienceMs },
  () => {
    beforeAll(async () => {
      service = await startService();
      await service.startWorker();
      folder = await mkdtemp(join(tmpdir(), 'umbra-offline-'));
      const [first, second, third] = await makePhotos(3);
      if (!first || !second || !third) throw new Error('Expected three photos');
      const named = [{ ...first, name: `${hostile}.png` }, second, third];
      const made = (await (await upload(service.url, named)).json()) as { id: string };
      job = await submitJob(service.url, {
        ...{ dataset: made.id, model: 'tiny', settings: { patch: 16, stride: 12 } },
        metadata: { note: hostile },
      });
      await waitForJob(service.url, job);
      const file = join(folder, 'job.html');
      await promisify(execFile)(process.execPath, [
        ...[umbra, 'report', job, '--html', file, '--api', service.url],
      ]);
      url = pathToFileURL(file).href;
      browser = await startChromium();
    });
    afterAll(async () => {
      await browser?.close();
      await service?.close();
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    });

    test('shows its images, and says that they are all', async () => {
      await visitFile({}, async (page) => {
        await page.getByText('All 3 images of a job, in one file.').waitFor();
        const pictures = page.locator('.wall img');
        await expect.poll(() => pictures.count()).toBe(3);
        const widths = await pictures.evaluateAll((all) =>
          all.map((one) => (one as unknown as { naturalWidth: number }).naturalWidth),
        );
        expect(Math.min(...widths)).toBeGreaterThan(0);
        await page.getByText('onerror=alert(1)>').first().waitFor();
        for (const name of ['Explain', 'Jobs', 'Log in', 'Retry what is missing', 'Cancel']) {
          expect(await page.getByText(name, { exact: true }).count()).toBe(0);
          expect(await page.getByLabel(name, { exact: true }).count()).toBe(0);
        }
      });
    });

    test('sorts and filters the images that it has, and offers no table of others', async () => {
      await visitFile({ viewport: { width: 1280, height: 900 } }, async (page) => {
        const names = page.locator('.tile-name');
        const byDrop = await fetchIds('-drop');
        const shown = await page
          .locator('.tile')
          .evaluateAll((all) => all.map((one) => one.getAttribute('href')?.split('/').at(-1)));
        expect(shown).toEqual(byDrop);
        await page.getByLabel('Name contains').fill('photo-2');
        await page.getByText('1 of 3 images', { exact: true }).waitFor();
        expect(await names.allInnerTexts()).toEqual(['photo-2.png']);
        await page.goto(`${url}#/jobs/${job}?where=index>=1&where=drop<0`);
        await page.getByText('No image fits').waitFor();
        await page.getByRole('button', { name: 'Remove all filters' }).click();
        await expect.poll(() => names.count()).toBe(3);
        expect(await page.getByText('Table of these').count()).toBe(0);
      });
    });

    test('opens an image: the number under the pointer is the file’s, and keys work', async () => {
      const scores = readScores(await fetchFile(1, 'scores.npy'));
      const result = JSON.parse(String(await fetchFile(1, 'result.json'))) as ImageResult;
      const [{ rows, columns } = expect.fail('no grid')] = result.grids;
      await visitFile({ viewport: { width: 1280, height: 900 } }, async (page) => {
        await page.getByRole('link', { name: /photo-1/ }).click();
        const map = page.getByRole('application');
        await map.waitFor();
        await page.locator('.stage-photo').waitFor();
        const box = await map.boundingBox();
        const { x, y, width, height } = box ?? { x: 0, y: 0, width: 0, height: 0 };
        for (const [row, column] of [
          [0, 0],
          [1, 0],
          [rows - 1, columns - 1],
        ] as const) {
          await page.mouse.move(
            x + (width * (column + 0.5)) / columns,
            y + (height * (row + 0.5)) / rows,
          );
          const shown = Number(await page.getByTestId('score').innerText());
          expect(Math.fround(shown)).toBe(scores[row * columns + column]);
        }
        await map.press('ArrowLeft');
        await map.press('Enter');
        expect(page.url()).toContain(`#/jobs/${job}/images/img_00000001?cell=`);
        await page.keyboard.press('2');
        expect(page.url()).toContain('view=map');
        await page.keyboard.press('1');
        expect(page.url()).not.toContain('view=');
        await page.reload();
        await page.locator('[data-kind=pin]').waitFor();
        expect(await page.getByText('What the model saw').count()).toBe(0);
        expect(await page.getByText('The same elsewhere').count()).toBe(0);
        // One after the other as they are kept, and not as the dataset has them.
        const [first, second] = await fetchIds('-drop');
        await page.goto(`${url}#/jobs/${job}/images/${first}`);
        for (const [key, id] of [
          ['j', second],
          ['k', first],
        ] as const) {
          await page.getByRole('application').waitFor();
          await page.keyboard.press(key);
          await expect.poll(() => page.url()).toContain(`/images/${id}`);
        }
        await page.getByRole('link', { name: 'Umbra' }).click();
        await page.locator('.wall img').first().waitFor();
      });
    });

    test('saves the files that it has, byte for byte, and what is looked at', async () => {
      await visitFile({}, async (page) => {
        await openImage(page, 2);
        const names = await page.locator('.files button').allInnerTexts();
        expect(names.toSorted()).toEqual([
          ...['predicted-classes.npy', 'result.json', 'scores.npy', 'thumbnail.webp'],
        ]);
        for (const name of names) {
          const waiting = page.waitForEvent('download');
          await page.getByRole('button', { name, exact: true }).click();
          const saved = await (await waiting).path();
          expect([name, (await readFile(saved)).equals(await fetchFile(2, name))]).toEqual([
            name,
            true,
          ]);
        }
        for (const [name, beginning] of [
          ['PNG', '\x89PNG'],
          ['SVG', '<svg'],
        ] as const) {
          const waiting = page.waitForEvent('download');
          await page.getByRole('button', { name, exact: true }).click();
          const saved = await readFile(await (await waiting).path());
          expect(saved.toString('latin1').slice(0, beginning.length)).toBe(beginning);
        }
      });
    });

    test('says so where an image is not in it', async () => {
      await visitFile({}, async (page) => {
        await page.goto(`${url}#/jobs/${job}/images/img_00000009`);
        await page.getByText('There is no such thing here').waitFor();
        await page.goto(`${url}#/workers`);
        await page.getByText('There is no such page').waitFor();
        await page.getByRole('link', { name: 'Back to the job' }).click();
        await page.locator('.wall img').first().waitFor();
      });
    });

    test.each(['light', 'dark'] as const)('is accessible in the %s theme', async (colorScheme) => {
      await visitFile({ colorScheme }, async (page) => {
        expect(await findFaults(page)).toEqual([]);
        await openImage(page, 0);
        expect(await findFaults(page)).toEqual([]);
      });
    });

    test('fits the width of a phone', async () => {
      await visitFile({ viewport: { width: 390, height: 844 } }, async (page) => {
        expect(await beyondWidth(page)).toBe(0);
        await openImage(page, 0);
        expect(await beyondWidth(page)).toBe(0);
      });
    });
  },
);
