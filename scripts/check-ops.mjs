// `npm run check:ops`: checks an operator's files (manifests, compose file, Dockerfile, alerts) against the rules of the
// systems that read them, without running these systems.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reportCounts } from './lib/counts.mjs';
import { ensureBuilt, ensureInstalled } from './lib/install.mjs';
import { ensureOpsCheck, ensurePrometheus, fetchKedaDefinition } from './lib/ops-tools.mjs';
import { CommandError, repoRoot, run, runMain, step } from './lib/run.mjs';

const changed = ['Dockerfile', 'docker-compose.yml', 'k8s'];

/** Mistakes that the checks must find: [file, expected message, original text, replacement]. */
const mistakes = /** @type {const} */ ([
  [
    'k8s/base/api.yaml',
    'unknown field "spec.minReadySecond"',
    'spec:\n',
    'spec:\n  minReadySecond: 5\n',
  ],
  ['k8s/base/dispatcher.yaml', 'unknown field', 'topologyKey:', 'topologyKeys:'],
  ['k8s/base/api.yaml', 'pod security', 'drop: [ALL]', 'drop: []'],
  [
    'k8s/base/dispatcher.yaml',
    'terminationGracePeriodSeconds',
    'PeriodSeconds: 60',
    'PeriodSeconds: 45',
  ],
  [
    'k8s/overlays/cpu/scaled-object.yaml',
    "'cooldownPeriods' not allowed",
    'cooldownPeriod',
    'cooldownPeriods',
  ],
  ['k8s/overlays/cpu/scaled-object.yaml', 'not there', '    name: worker-cpu', '    name: worker'],
  ['k8s/components/worker-cpu/worker.yaml', 'tag', 'umbra/worker:0.1.0', 'umbra/worker'],
  ['docker-compose.yml', 'healthchecks', 'healthcheck:', 'healthchecks:'],
  ['docker-compose.yml', 'loopback', '"127.0.0.1:9090', '"0.0.0.0:9090'],
  ['Dockerfile', 'root', 'USER node\n', ''],
  ['Dockerfile', 'no such file', 'COPY models', 'COPY modles'],
]);

await runMain(async () => {
  const promtool = await ensurePrometheus('promtool');
  const opsCheck = await ensureOpsCheck();
  const definition = fetchKedaDefinition();
  await ensureInstalled();
  await ensureBuilt();
  const folder = mkdtempSync(join(tmpdir(), 'umbra-ops-'));
  let passed = mistakes.length;
  try {
    const environments = join(folder, 'environments.json');
    await run(opsCheck, [
      ...['-root', repoRoot],
      ...['-keda-crd', definition],
      ...['-environments', environments],
    ]);
    passed += await checkEnvironments(JSON.parse(readFileSync(environments, 'utf8')));
    proveChecks(opsCheck, definition, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  passed += checkRunbooks();
  const rules = join(repoRoot, 'ops', 'prometheus');
  const commands = [
    ['check', 'rules', join(rules, 'alerts.yml')],
    ['test', 'rules', join(rules, 'alerts.test.yml')],
    ['check', 'config', '--syntax-only', join(rules, 'prometheus.yml')],
  ];
  for (const args of commands) await run(promtool, args);
  passed += commands.length;
  reportCounts('check:ops', { passed, failed: 0, skipped: 0 });
  return 0;
});

/** Variables that libraries read: the SDK of S3, onnxruntime, and Node.js. */
function isReadByLibrary(/** @type {string} */ name) {
  return name.startsWith('AWS_') || ['ORT_DISABLE_TELEMETRY', 'TMPDIR'].includes(name);
}

/**
 * Checks that every variable of our containers is read by its process and has a value that the process accepts.
 *
 * @param {{ where: string, image: string, variables: Record<string, string> }[]} environments
 * @returns {Promise<number>} how many there are
 */
async function checkEnvironments(environments) {
  const { readConfig } = await import('@umbra/platform/config');
  const { apiConfig } = await import('@umbra/api/config');
  const { workerConfig } = await import('@umbra/worker/config');
  for (const { where, image, variables } of environments) {
    const schema = image.startsWith('umbra/api') ? apiConfig : workerConfig;
    const unknown = Object.keys(variables).filter(
      (name) => !Object.hasOwn(schema.shape, name) && !isReadByLibrary(name),
    );
    if (unknown.length > 0) {
      throw new CommandError(`${where}: nothing reads ${unknown.join(', ')}`, 1);
    }
    try {
      readConfig(schema, variables);
    } catch (error) {
      throw new CommandError(`${where}: ${error instanceof Error ? error.message : error}`, 1);
    }
  }
  step(
    `the environments of ${environments.length} containers match the configuration of their processes`,
  );
  return environments.length;
}

/**
 * Checks that every alert has a runbook under its name, and that no runbook names a removed alert.
 *
 * @returns {number} how many alerts there are
 */
function checkRunbooks() {
  const alerts = readFileSync(join(repoRoot, 'ops', 'prometheus', 'alerts.yml'), 'utf8');
  const page = join('docs', 'operations', 'runbooks.md');
  const text = readFileSync(join(repoRoot, page), 'utf8');
  const written = new Map(
    text
      .split(/^## /m)
      .slice(1)
      .map((part) => [part.split('\n', 1)[0] ?? '', part]),
  );
  const rules = alerts.split(/^ {6}- alert: /m).slice(1);
  for (const rule of rules) {
    const [name = ''] = rule.split('\n', 1);
    const [, runbook] = /^\s+runbook: (\S+)$/m.exec(rule) ?? [];
    if (runbook !== `${page}#${name.toLowerCase()}`) {
      throw new CommandError(
        `${name}: expected its runbook to be ${page}#${name.toLowerCase()}`,
        1,
      );
    }
    if (!/^1\. /m.test(written.get(name) ?? '')) {
      throw new CommandError(`${name}: expected ${page} to have its numbered steps`, 1);
    }
    written.delete(name);
  }
  if (written.size > 0) {
    throw new CommandError(`${page}: no alert has the name ${[...written.keys()].join(', ')}`, 1);
  }
  step(`${rules.length} alerts have a runbook each`);
  return rules.length;
}

/**
 * @param {string} opsCheck
 * @param {string} definition
 * @param {string} parent
 */
function proveChecks(opsCheck, definition, parent) {
  const folder = mkdtempSync(join(parent, 'mistakes-'));
  for (const name of readdirSync(repoRoot)) {
    if (!changed.includes(name)) symlinkSync(join(repoRoot, name), join(folder, name));
  }
  for (const [file, expected, from, to] of mistakes) {
    for (const name of changed) {
      cpSync(join(repoRoot, name), join(folder, name), { recursive: true });
    }
    const path = join(folder, file);
    const text = readFileSync(path, 'utf8');
    if (!text.includes(from)) throw new CommandError(`Expected ${file} to contain '${from}'`, 1);
    writeFileSync(path, text.replace(from, to));
    const { status, stderr } = spawnSync(opsCheck, ['-root', folder, '-keda-crd', definition], {
      encoding: 'utf8',
    });
    if (status !== 1 || !stderr.includes(expected)) {
      throw new CommandError(`Expected '${to}' in ${file} to be refused, got:\n${stderr}`, 1);
    }
  }
  step(`${mistakes.length} planted mistakes were all found`);
}
