import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { putJson } from '@umbra/platform/store/json';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { readReportStatus } from '@umbra/platform/store/reports';
import type { JobStatus } from '@umbra/shared/contracts/job';
import { type JobReport, jobReport } from '@umbra/shared/contracts/report';
import { type Trial, trial as trialRecord } from '@umbra/shared/contracts/trial';
import { imageIdAt } from '@umbra/shared/ids';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, startChromium } from '../support/chromium.js';
import { makeReport, makeTrial } from '../support/report-fixture.js';
import { storeReport } from '../support/sample-report.js';
import {
  makePhotos,
  startService,
  submitJob,
  type TestService,
  uploadPhotos,
  waitForJob,
} from '../support/service.js';
import { beyondWidth, findFaults, patienceMs, visit } from './visit.js';

const photos = 6;
let service: TestService;
let browser: Browser;
let folder: string;
/** Two jobs of one dataset: one with a report, and one that none was asked for. */
let jobs: { read: string; bare: string };
let report: JobReport;

const wide = { viewport: { width: 1280, height: 900 } };
const section = (page: Page, id: string): Locator => page.locator(`#${id}`);
const cellsOf = (row: Locator): Promise<string[]> => row.locator('th, td').allInnerTexts();

async function openReport(page: Page, job: string, rest = ''): Promise<void> {
  await page.goto(`/jobs/${job}/report${rest}`);
  await section(page, 'suspects').waitFor();
}

/** What a worker would write of the trial that the page asked for. */
async function writeTrial(changes: (asked: Trial) => Trial): Promise<void> {
  const path = `${service.url}/v1/jobs/${jobs.read}/trials`;
  const { data } = (await (await fetch(path)).json()) as { data: Trial[] };
  const [asked = expect.fail('no trial')] = data;
  const key = keys.trial(defaultTenant, jobs.read, asked.id);
  await putJson(service.store, key, trialRecord.parse(changes(asked)));
}

describe.skipIf(chromiumPath === undefined)(
  'the report of a job, in a browser',
  { timeout: 3 * patienceMs },
  () => {
    beforeAll(async () => {
      service = await startService();
      browser = await startChromium();
      folder = await mkdtemp(join(tmpdir(), 'umbra-report-page-'));
      const worker = await service.startWorker();
      const dataset = await uploadPhotos(service.url, await makePhotos(photos));
      const run = async () => {
        const settings = { patch: 16, stride: 16 };
        const id = await submitJob(service.url, { dataset, model: 'tiny', settings });
        await waitForJob(service.url, id);
        return id;
      };
      jobs = { read: await run(), bare: await run() };
      // What a worker makes of reports and trials is written by the tests themselves.
      await worker.close();
      const answer = await fetch(`${service.url}/v1/jobs/${jobs.read}`);
      const { model, settings } = (await answer.json()) as JobStatus;
      const images = Array.from({ length: photos }, (_, at) => ({
        ...{ id: imageIdAt(at), name: `photo-${at}.png` },
      }));
      const changes = { model, settings, writtenAt: new Date().toISOString() };
      report = jobReport.parse(makeReport({ job: jobs.read, images, changes }));
      await storeReport(service.store, report);
    }, patienceMs);
    afterAll(async () => {
      await browser?.close();
      await service?.close();
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    });

    test('is reached from its job, and tells the numbers of its file', async () => {
      await visit(browser, { baseURL: service.url, ...wide }, async (page) => {
        await page.goto(`/jobs/${jobs.read}`);
        await page.getByRole('link', { name: 'Report', exact: true }).click();
        await page.getByText('Complete: 5,000 images').waitFor();
        await page
          .getByText(
            'off the object than chance explains in 2 of 10 classes: rocket and harvestman',
          )
          .waitFor();
        const accuracy = section(page, 'summary').locator('.metric', { hasText: 'Accuracy' });
        expect(await accuracy.innerText()).toContain('83.1');
        const [first = expect.fail('no class')] = report.classes;
        const place = section(page, 'place').getByRole('row', { name: /^rocket/ });
        const share = (100 * (first.offObject?.share.mean ?? 0)).toFixed(1);
        expect(await cellsOf(place)).toEqual([
          ...['rocket', 'Yes', expect.stringMatching(/^\+\d/), '', `${share}\u00a0%`],
          ...[expect.stringMatching(/\s%$/), '< 0.001', '1,204', 'not shown'],
        ]);
        const map = section(page, 'classes').getByRole('img', { name: /^Mean map of rocket over/ });
        expect(await map.getAttribute('aria-label')).toMatch(
          /1,204 images: largest at the .*, 0\.\d/,
        );
        expect(
          await section(page, 'patches').locator('.crops').first().locator('img').count(),
        ).toBe(photos);
        const agreement = section(page, 'trust').getByRole('img', { name: /^Images by agreement/ });
        const told = await agreement.getAttribute('aria-label');
        expect(told).toMatch(
          /^Images by agreement: 4 images from \u22120.30 to \u22120.20, 9 images/,
        );
        expect(told).toMatch(/1,670 images from 0.70 to 0.80, .*, 260 images from 0.90 to 1.00$/);
        expect(await agreement.locator('[data-part=unstable]').count()).toBe(8);
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          expect([colorScheme, await findFaults(page)]).toEqual([colorScheme, []]);
        }
        await page.setViewportSize({ width: 390, height: 844 });
        expect(await beyondWidth(page)).toBe(0);
      });
    });

    test('shows other maps, more of what is long, and the section that its address names', async () => {
      await visit(browser, { baseURL: service.url, ...wide }, async (page) => {
        await openReport(page, jobs.read, '#flips');
        await expect
          .poll(() => page.evaluate('document.getElementById("flips").getBoundingClientRect().top'))
          .toBeLessThan(200);
        const flips = section(page, 'flips').locator('.flip');
        expect(await flips.count()).toBe(10);
        await section(page, 'flips').getByRole('button', { name: 'Show 10 more' }).click();
        expect(await flips.count()).toBe(20);
        await flips.nth(1).getByRole('button').click();
        await flips.nth(1).locator('.flip-box').first().waitFor();
        const classes = section(page, 'classes');
        await classes.getByRole('button', { name: 'Object' }).click();
        await classes.locator('.lattice-box').first().waitFor();
        await classes.getByRole('button', { name: 'Spread' }).click();
        await classes.getByRole('img', { name: /^Spread of rocket/ }).waitFor();
        await section(page, 'patches').getByRole('button', { name: 'Members' }).first().click();
        await section(page, 'patches').locator('.members a').first().click();
        await page.waitForURL(/\/images\/img_/);
      });
    });

    test('tries what a cluster of patches causes, and tells it in words', async () => {
      await visit(browser, { baseURL: service.url, ...wide }, async (page) => {
        await openReport(page, jobs.read);
        const cluster = section(page, 'patches').locator('.cluster').first();
        await cluster.getByRole('button', { name: 'Try it' }).click();
        await cluster.getByText('Waits for a worker').waitFor();
        await writeTrial((asked) => ({
          ...asked,
          ...{ state: 'running', progress: { done: 120, total: 600 } },
        }));
        await cluster.getByText('120 of 600 images').waitFor();
        await writeTrial(({ id, request, createdAt }) =>
          makeTrial(jobs.read, request, { id, createdAt }),
        );
        await cluster
          .getByText('These images of rocket rest on it: covered in 150 images')
          .waitFor();
        const row = cluster.getByRole('row', { name: /^Cover it/ });
        expect((await cellsOf(row)).map((text) => text.replace(/\s+/g, ' '))).toEqual([
          ...[expect.stringContaining('n 150'), '', '\u221235.0 [\u221238.0, \u221232.0]'],
          ...['93.0 %', '58.0 %'],
        ]);
        await section(page, 'patches').getByText('rocket, cluster 0').waitFor();
        expect(await findFaults(page)).toEqual([]);
      });
    });

    test('tries what a region of a class causes, dragged or typed', async () => {
      await visit(browser, { baseURL: service.url, ...wide }, async (page, errors) => {
        await openReport(page, jobs.read);
        const classes = section(page, 'classes');
        const open = classes.getByRole('button', { name: 'Try a region of tabby cat' });
        await open.press('Enter');
        const form = classes.getByRole('listitem', { name: 'Try a region of tabby cat' });
        const sides = form.getByRole('spinbutton');
        const map = form.getByRole('img', { name: /^Mean map of tabby cat/ });
        await form.getByRole('button', { name: 'Try it' }).press('Enter');
        expect(await form.getByRole('alert').allInnerTexts()).toEqual(
          Array.from({ length: 4 }, () => 'Expected 0 to 100'),
        );
        const { x, y, width, height } = (await map.boundingBox()) ?? expect.fail('no map');
        await page.mouse.move(x + 0.75 * width, y + 0.6 * height);
        await page.mouse.down();
        await page.mouse.move(x + 0.5 * width, y - 20);
        await page.mouse.up();
        const typed = () =>
          sides.evaluateAll((all) => all.map((one) => (one as unknown as { value: string }).value));
        expect(await typed()).toEqual(['0', '50', '60', '75']);
        const drawn = await form.locator('.lattice-box').boundingBox();
        expect(drawn?.x).toBeCloseTo(x + 0.5 * width, 0);
        expect(drawn?.height).toBeCloseTo(0.6 * height, 0);
        await form.getByLabel('Bottom, %').fill('120');
        await form.getByText('Expected 0 to 100, got 120').waitFor();
        expect(await form.locator('.lattice-box').count()).toBe(0);
        await form.getByLabel('Bottom, %').fill('60');
        await form.getByLabel('Left, %').fill('0');
        await form.getByLabel('Right, %').fill('75');
        await form.getByRole('button', { name: 'Try it' }).click();
        await form.getByText('Expected room beside the region for another one').waitFor();
        await form.getByLabel('Right, %').fill('12.5');
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          expect([colorScheme, await findFaults(page)]).toEqual([colorScheme, []]);
        }
        await form.getByRole('button', { name: 'Try it' }).click();
        await form.getByText('Waits for a worker').waitFor();
        await writeTrial(({ id, request, createdAt }) =>
          makeTrial(jobs.read, request, {
            ...{ id, createdAt },
            class: { index: 97, label: 'tabby cat' },
          }),
        );
        await form.getByText('tabby cat rests on it: covered in 150 images').waitFor();
        const told = 'rows 0.0\u00a0% to 60.0\u00a0%, columns 0.0\u00a0% to 12.5\u00a0%';
        await form.getByText(`The last one: ${told}`).waitFor();
        await section(page, 'patches').getByText(`tabby cat, ${told}`).waitFor();
        await page.setViewportSize({ width: 390, height: 844 });
        expect(await beyondWidth(page)).toBe(0);
        await open.click();
        expect(await form.count()).toBe(0);
        // The browser itself reports the refusal.
        expect(errors.splice(0).filter((error) => !error.includes('400'))).toEqual([]);
      });
    });

    test('is made where there is none, tells how far it is, and is taken back', async () => {
      const own = { tenant: defaultTenant, id: jobs.bare };
      await visit(browser, { baseURL: service.url }, async (page, errors) => {
        await page.goto(`/jobs/${jobs.bare}/report`);
        await page.getByText('No report yet').waitFor();
        expect(await findFaults(page)).toEqual([]);
        await page.getByRole('button', { name: 'Make report' }).click();
        await page.getByText('Waits for a worker').waitFor();
        const asked = await readReportStatus(service.store, own);
        await putJson(service.store, keys.reportStatus(defaultTenant, jobs.bare), {
          ...asked,
          ...{ state: 'running', stage: 'evidence', progress: { done: 3, total: photos } },
        });
        await page.getByText('Reads the evidence of each image: 50\u00a0%').waitFor();
        await page.getByRole('button', { name: 'Cancel' }).click();
        await page.getByText('No report yet').waitFor();
        expect(await readReportStatus(service.store, own)).toBeNull();
        // The browser itself reports that there was none.
        expect(errors.splice(0).filter((error) => !error.includes('404'))).toEqual([]);
      });
    });

    test('of a part says how much of it, and why the newer one failed', async () => {
      const images = { total: 5_000, ended: 320, read: 312 };
      await storeReport(service.store, { ...report, job: jobs.bare, images, isComplete: false });
      const status = await readReportStatus(service.store, {
        tenant: defaultTenant,
        id: jobs.bare,
      });
      await putJson(service.store, keys.reportStatus(defaultTenant, jobs.bare), {
        ...status,
        ...{ state: 'failed', error: { code: 'internal', message: 'A disk is full' } },
      });
      await visit(browser, { baseURL: service.url }, async (page) => {
        await openReport(page, jobs.bare);
        await page.getByText('So far 312 of 5,000 images').waitFor();
        await page.getByText('A disk is full').waitFor();
        await page.getByRole('button', { name: 'Try again' }).waitFor();
      });
    });

    test('is held against that of another job', async () => {
      await visit(browser, { baseURL: service.url, ...wide }, async (page) => {
        const metrics = { ...report.metrics, accuracy: 0.8712 };
        await storeReport(service.store, { ...report, job: jobs.bare, metrics });
        await openReport(page, jobs.read);
        const against = section(page, 'against');
        await against.getByRole('combobox').click();
        await page.getByRole('option', { name: /^tiny/ }).click();
        await page.waitForURL(/against=job_/);
        const row = against.getByRole('row', { name: /^Accuracy/ });
        await row.waitFor();
        const [name, difference, ...both] = await cellsOf(row);
        expect([name, both]).toEqual(['Accuracy', ['83.1\u00a0%', '87.1\u00a0%']]);
        expect(difference).toMatch(/^▼ −4\.0\u00a0points/);
        await against
          .getByRole('img', { name: /^Difference of the mean maps of rocket/ })
          .waitFor();
        expect(await findFaults(page)).toEqual([]);
        await page.setViewportSize({ width: 390, height: 844 });
        expect(await beyondWidth(page)).toBe(0);
      });
    });

    test('opens from its one file, without a network and what only a service does', async () => {
      const file = join(folder, 'report.html');
      const answer = await fetch(`${service.url}/v1/jobs/${jobs.read}/report.html`);
      await writeFile(file, Buffer.from(await answer.arrayBuffer()));
      await visit(browser, wide, async (page) => {
        const asked: string[] = [];
        page.on('request', (request) => {
          if (!/^(file|data|blob):/.test(request.url())) asked.push(request.url());
        });
        await page.context().setOffline(true);
        await page.goto(pathToFileURL(file).href);
        await page.getByText('Complete: 5,000 images').waitFor();
        await page.getByText('The report of a job of 5,000 images, in one file.').waitFor();
        const crop = section(page, 'patches').locator('.crops img').first();
        await crop.scrollIntoViewIfNeeded();
        const widthOf = () =>
          crop.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth);
        await expect.poll(widthOf).toBeGreaterThan(0);
        for (const name of [
          'Try it',
          'Try it again',
          'Try a region',
          'Redo',
          'Parquet',
          'Make report',
        ]) {
          expect(await page.getByText(name, { exact: true }).count(), name).toBe(0);
        }
        expect(await section(page, 'against').count()).toBe(0);
        // It has none of the job's images, which the link to the job would lead to.
        expect(await page.locator('.head a').count()).toBe(0);
        await page.getByRole('link', { name: 'Suspects' }).click();
        await section(page, 'suspects').getByText('8.40').waitFor();
        await page.setViewportSize({ width: 390, height: 844 });
        expect(await beyondWidth(page)).toBe(0);
        expect(await findFaults(page)).toEqual([]);
        expect(asked).toEqual([]);
      });
    });
  },
);
