import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { apiConfig } from '@umbra/api/config';
import { readConfig } from '@umbra/platform/config';
import { umbraVersion } from '@umbra/shared/version';
import { workerConfig } from '@umbra/worker/config';
import { expect, test } from 'vitest';

// Checks that need no other system; `npm run check:ops` has the others.
const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const manifests = readdirSync(join(root, 'k8s'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.yaml'))
  .map((path) => join('k8s', path));
const deployed = ['Dockerfile', 'docker-compose.yml', ...manifests];

test('a process reads every variable that is set', () => {
  const known = new Set([...Object.keys(apiConfig.shape), ...Object.keys(workerConfig.shape)]);
  const sets = /(?<![\w${])(UMBRA_[A-Z0-9_]+|REDIS_URL)\s*[:=,]|name: (UMBRA_[A-Z0-9_]+)/gm;
  const found = deployed.flatMap((path) =>
    [...read(path).matchAll(sets)].map((match) => `${match[1] ?? match[2]}`),
  );
  expect(found.length).toBeGreaterThan(20);
  expect(found.filter((name) => !known.has(name))).toEqual([]);
});

test.each([
  ['k8s/base/api.yaml', /^ {6}containers:\n[\s\S]*?limits: .*$/m],
  ['docker-compose.yml', /^ {2}api:\n[\s\S]*?limits: .*$/m],
])('the limit of the API in %s holds every process that runs a model at once', (path, section) => {
  const [api = ''] = read(path).match(section) ?? [];
  const sets = [...api.matchAll(/(UMBRA_\w+)(?:, value)?: "?(\w+)/g)];
  const env = Object.fromEntries(sets.map(([, name, value]) => [name, value]));
  const config = readConfig(apiConfig, env);
  expect(config.UMBRA_MAX_MODEL_MB).toBe(160);
  const checks = { uploaded: 2, published: 1 };
  const processes = checks.uploaded + checks.published + config.UMBRA_MAX_CONCURRENT_DRAWINGS;
  const [, limitGb] = api.match(/limits: \{ memory: (\d+)G/) ?? [];
  const apiMb = 1024;
  expect(Number(limitGb) * 1024).toBe(processes * config.UMBRA_MODEL_MEMORY_MB + apiMb);
});

test('our images have the version of this repository', () => {
  const images = deployed.flatMap((path) => [...read(path).matchAll(/image: (umbra\/\S+)/g)]);
  expect(images.length).toBeGreaterThan(5);
  for (const [, image] of images) expect(image).toMatch(new RegExp(`:${umbraVersion}$`));
});

test('every alert has a runbook, and every runbook has an alert', () => {
  const alerts = [...read('ops/prometheus/alerts.yml').matchAll(/alert: (\w+)/g)].map(([, n]) => n);
  const headings = [...read('docs/operations/runbooks.md').matchAll(/^## (\w+)$/gm)];
  expect(alerts.length).toBeGreaterThan(10);
  expect(headings.map(([, name]) => name)).toEqual(alerts);
});

test('the dashboard has unique ids, and an expression in every target', () => {
  const { panels } = JSON.parse(read('ops/grafana/dashboards/umbra.json')) as {
    panels: { id: number; type: string; targets?: { expr: string }[] }[];
  };
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  for (const { type, targets } of panels) {
    if (type !== 'row') expect(targets?.every(({ expr }) => expr !== '')).toBe(true);
  }
});
