// The wall of a job of a hundred thousand images in Chromium: how soon it answers a key, how smoothly it scrolls, and how
// long its rows take. From an API in this process, on rows that are put straight into the store.
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startApi } from '@umbra/api';
import { apiConfig } from '@umbra/api/config';
import { readConfig } from '@umbra/platform/config';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { imageIdAt } from '@umbra/shared/ids';
import sharp from 'sharp';
import { startChromium } from '../scripts/lib/chromium.mjs';
import { startRedis } from '../scripts/lib/redis.mjs';
import { writeJob } from './rows/write-job.mjs';

const mebibyte = 1024 * 1024;
/** As fast as somebody scrolls who looks for something: some lines of tiles a second. */
const pxPerSecond = 2_500;
const longFrameMs = 50;
/** Images that come into sight at the beginning and while scrolling, and at the end. */
const [seenFirst, seenLast] = [4_000, 200];
const viewport = { width: 1280, height: 900 };

/**
 * @param {{ root: string, quick: boolean, rows?: number | undefined, report: (message: string) => void }} options
 */
export async function benchPage({ root, quick, rows: wanted, report }) {
  const rows = wanted ?? (quick ? 10_000 : 100_000);
  const scrollSeconds = quick ? 5 : 20;
  const rounds = quick ? 2 : 5;
  const dir = mkdtempSync(join(tmpdir(), 'umbra-bench-'));
  const redis = await startRedis({ dir: join(dir, 'redis') });
  const env = {
    REDIS_URL: redis.url,
    UMBRA_STORE_DIR: join(dir, 'store'),
    UMBRA_CACHE_DIR: join(dir, 'cache'),
    UMBRA_PORT: '0',
    UMBRA_AUTH: 'none',
    UMBRA_LOG_LEVEL: 'silent',
  };
  const api = await startApi(readConfig(apiConfig, env));
  const browser = await startChromium(['--enable-precise-memory-info']);
  try {
    const job = await writeJob(createFsStore(join(dir, 'store')), rows, report);
    await writeThumbnails(join(dir, 'store'), job, rows);
    const url = `${api.url}/jobs/${job}`;
    const opened = await browser.newContext({ viewport });
    const open = async () => {
      const page = await opened.newPage();
      await page.addInitScript(watchFirstAnswer);
      await page.goto(url);
      return page;
    };
    const answerMs = async (/** @type {import('playwright-core').Page} */ page) =>
      Number(await page.evaluate('window.firstAnswer'));
    const first = await open();
    const coldMs = await answerMs(first);
    const scriptBytes = await scriptBytesOf(first, join(root, 'apps/web/dist'));
    report(
      `first visit, which makes the index: ${coldMs.toFixed(0)} ms to the first answer, ${scriptBytes} bytes of script`,
    );
    await first.close();
    const answers = [];
    for (let round = 0; round < rounds; round += 1) {
      const page = await open();
      answers.push(await answerMs(page));
      await page.close();
    }
    report(`first answer to a key: ${median(answers).toFixed(0)} ms, median of ${rounds}`);
    const page = await open();
    await answerMs(page);
    const load = loadavg();
    const frames = /** @type {number[]} */ (await page.evaluate(scroll(scrollSeconds)));
    const long = frames.filter((ms) => ms > longFrameMs).length;
    report(
      `${frames.length} frames while scrolling, ${((100 * long) / frames.length).toFixed(2)} % of them over ${longFrameMs} ms, longest ${Math.max(...frames).toFixed(0)} ms`,
    );
    const beganEnd = performance.now();
    await page.locator('[data-position][tabindex="0"]').press('Control+End');
    await page.locator(`[data-position="${rows - 1}"] .tile`).waitFor({ timeout: 300_000 });
    const endSeconds = (performance.now() - beganEnd) / 1000;
    report(`from there to the last image, with all rows between: ${endSeconds.toFixed(1)} s`);
    const requests = /** @type {number[]} */ (await page.evaluate(rowRequests));
    const heapBytes = Number(await page.evaluate('performance.memory.usedJSHeapSize'));
    report(
      `${requests.length} requests for rows, median ${median(requests).toFixed(0)} ms; ${(heapBytes / mebibyte).toFixed(0)} MiB of script's memory`,
    );
    return {
      ...{ rows, scriptBytes, coldAnswerMs: coldMs, answerMs: median(answers), answers },
      scroll: {
        pxPerSecond,
        frames: frames.length,
        longFrames: long,
        longShare: long / frames.length,
      },
      longestFrameMs: Math.max(...frames),
      medianFrameMs: median(frames),
      endSeconds,
      rowRequests: {
        count: requests.length,
        medianMs: median(requests),
        maxMs: Math.max(...requests),
      },
      heapBytes,
      machine: { cores: cpus().length, model: cpus()[0]?.model ?? 'unknown', load },
    };
  } finally {
    await browser.close();
    await api.close();
    await redis.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/**
 * A picture of each image that comes into sight, written beside the store: it would sync each of them to the disk.
 *
 * @param {string} store
 * @param {string} job
 * @param {number} rows
 */
async function writeThumbnails(store, job, rows) {
  const create = { width: 128, height: 96, channels: /** @type {3} */ (3), background: '#678' };
  const noise = { type: /** @type {const} */ ('gaussian'), mean: 128, sigma: 40 };
  const bytes = await sharp({ create: { ...create, noise } })
    .webp({ quality: 60 })
    .toBuffer();
  for (let index = 0; index < rows; index += 1) {
    if (index >= seenFirst && index < rows - seenLast) continue;
    const path = join(store, keys.result(defaultTenant, job, imageIdAt(index), 'thumbnail.webp'));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
}

/** In the page: press a key as soon as there is a tile, and note when the wall has answered it, ms. */
const watchFirstAnswer = `performance.setResourceTimingBufferSize(100_000);
  window.firstAnswer = new Promise((resolve) => {
    const look = () => {
      const at = document.activeElement?.dataset?.position;
      if (at === '1') return resolve(performance.now());
      const cell = document.querySelector('.wall-cell:has(.tile)');
      if (at === undefined) cell?.focus();
      cell?.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });`;

/** In the page: scroll evenly, and take the time between frames. @param {number} seconds */
const scroll = (seconds) => `new Promise((resolve) => {
  const frames = [];
  const began = performance.now();
  let last = began;
  const step = (now) => {
    frames.push(now - last);
    scrollBy(0, (${pxPerSecond} * (now - last)) / 1000);
    last = now;
    if (now - began < ${1000 * seconds}) requestAnimationFrame(step);
    else resolve(frames.slice(1));
  };
  requestAnimationFrame(step);
})`;

/** In the page: how long each request for rows took, ms. */
const rowRequests = `performance.getEntriesByType('resource')
  .filter(({ name }) => name.includes('/rows?')).map(({ duration }) => duration)`;

/**
 * Compressed bytes of all script that a page has loaded.
 *
 * @param {import('playwright-core').Page} page
 * @param {string} folder of the built page
 */
async function scriptBytesOf(page, folder) {
  const paths = /** @type {string[]} */ (
    await page.evaluate(`[...new Set(performance.getEntriesByType('resource')
      .map(({ name }) => new URL(name).pathname).filter((path) => path.endsWith('.js')))]`)
  );
  return paths.reduce((sum, path) => sum + sizeOf(join(folder, path)), 0);
}

/** What is too small is not compressed. @param {string} path */
const sizeOf = (path) => (statSync(`${path}.gz`, { throwIfNoEntry: false }) ?? statSync(path)).size;

/** @param {readonly number[]} values */
function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] ?? 0;
}
