// Images as folders: a Debian root with Node.js in place of `node:22-bookworm-slim`, and stages made from it by running
// a Dockerfile's instructions in a chroot. This needs root on Linux.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { aptInstall, canAptInstall } from './apt.mjs';
import { parsePairs } from './dockerfile.mjs';
import { findOnPath, repoRoot, run, step } from './run.mjs';

/**
 * @typedef {object} Built
 * @property {string} root the folder
 * @property {Record<string, string>} env
 * @property {string} workdir
 * @property {string} user
 * @property {string[]} volumes
 * @property {string[]} command
 * @property {string[]} healthcheck
 */

/** @returns {Promise<string | null>} why this machine cannot make image roots; null if it can */
export async function whyNoRoots() {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    return 'images are replayed only by root on Linux';
  }
  if (findOnPath('mmdebstrap') === undefined && canAptInstall()) {
    await aptInstall('mmdebstrap').catch(() => undefined);
  }
  return findOnPath('mmdebstrap') === undefined ? 'mmdebstrap was not found' : null;
}

/**
 * Makes Debian's smallest root, with Node.js and npm from npm's registry; it is cached.
 *
 * @param {string} cache
 * @param {{ node: string, npm: string }} versions
 * @returns {Promise<string>}
 */
export async function makeBase(cache, { node, npm }) {
  const root = join(cache, `base-node${node}-npm${npm}`);
  if (existsSync(root)) return root;
  const draft = `${root}.draft`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  step('making a Debian root (mmdebstrap, two minutes)');
  await run('mmdebstrap', ['--variant=minbase', '--mode=root', 'bookworm', draft], {
    quiet: true,
  });
  const packages = join(cache, 'npm');
  const wanted = [`node-linux-${process.arch}@${node}`, `npm@${npm}`];
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefix', packages, ...wanted], {
    quiet: true,
  });
  const modules = join(packages, 'node_modules');
  const local = join(draft, 'usr', 'local');
  copyFileSync(
    join(modules, `node-linux-${process.arch}`, 'bin', 'node'),
    join(local, 'bin', 'node'),
  );
  mkdirSync(join(local, 'lib', 'node_modules'), { recursive: true });
  cpSync(join(modules, 'npm'), join(local, 'lib', 'node_modules', 'npm'), { recursive: true });
  inRoot(draft, {}, '/', [
    ...['chmod 755 /usr/local/bin/node'],
    ...['ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm'],
    ...['ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx'],
    // The same user as in the official image.
    ...['groupadd --gid 1000 node', 'useradd --uid 1000 --gid node --create-home node'],
  ]);
  renameSync(draft, root);
  return root;
}

/**
 * @param {import('./dockerfile.mjs').Stage} stage
 * @param {string} base folder to start from, which is not changed
 * @param {Built | undefined} parent
 * @param {ReadonlyMap<string, Built>} others
 * @param {string} root folder to create
 * @returns {Built}
 */
export function buildStage(stage, base, parent, others, root) {
  execFileSync('cp', ['-a', '--reflink=auto', base, root]);
  /** @type {Built} */
  const built = {
    ...{ root, workdir: '/', user: 'root', command: [], healthcheck: [] },
    ...parent,
    ...{ env: { ...parent?.env }, volumes: [...(parent?.volumes ?? [])] },
  };
  built.root = root;
  for (const { name, flags, text } of stage.instructions) {
    if (name === 'WORKDIR') {
      built.workdir = text;
      mkdirSync(join(root, text), { recursive: true });
    } else if (name === 'ENV') Object.assign(built.env, parsePairs(text));
    else if (name === 'USER') built.user = text;
    else if (name === 'VOLUME') built.volumes.push(text);
    else if (name === 'CMD') built.command = JSON.parse(text);
    else if (name === 'HEALTHCHECK') {
      built.healthcheck = JSON.parse(text.slice(text.indexOf('[')));
    } else if (name === 'COPY') copyInto(built, others.get(flags.from ?? '')?.root, text);
    else if (name === 'RUN') {
      step(`${stage.name}: RUN ${text.length > 90 ? `${text.slice(0, 90)}...` : text}`);
      inRoot(root, { ...built.env, ...networkEnv() }, built.workdir, [text]);
    } else if (name !== 'EXPOSE') throw new Error(`Expected a known instruction, got ${name}`);
  }
  return built;
}

/**
 * Copies from another stage, or from the context. Of the context, only files that git tracks or would add are copied:
 * an image must be buildable from a clone.
 *
 * @param {Built} built
 * @param {string | undefined} from another stage's root
 * @param {string} text
 */
function copyInto({ root, workdir }, from, text) {
  const parts = text.split(/\s+/);
  const target = join(root, parts.at(-1)?.startsWith('/') ? '' : workdir, parts.at(-1) ?? '');
  for (const source of parts.slice(0, -1)) {
    if (from !== undefined) {
      const isFolder = spawnSync('test', ['-d', join(from, source)]).status === 0;
      mkdirSync(isFolder ? target : dirname(join(target, 'x')), { recursive: true });
      execFileSync('cp', ['-a', join(from, source) + (isFolder ? '/.' : ''), target]);
      continue;
    }
    const known = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard', source], {
      cwd: repoRoot,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    const files = known
      .split('\0')
      .filter((file) => file !== '' && existsSync(join(repoRoot, file)));
    if (files.length === 0) throw new Error(`COPY ${source}: no such file`);
    for (const file of files) {
      const within = file === source ? basename(file) : file.slice(source.length + 1);
      const path = join(target, within);
      mkdirSync(dirname(path), { recursive: true });
      cpSync(join(repoRoot, file), path, { dereference: true });
    }
  }
}

/** The host's registry, proxies and certificate authorities, which a build engine would pass on as well. */
function networkEnv() {
  /** @type {Record<string, string>} */
  const env = { npm_config_cafile: '', npm_config_update_notifier: 'false' };
  const registry = execFileSync('npm', ['config', 'get', 'registry'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
  env.npm_config_registry = registry;
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy']) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  if (process.env.NODE_EXTRA_CA_CERTS) env.NODE_EXTRA_CA_CERTS = '/tmp/.authorities.pem';
  return env;
}

/**
 * @param {string} root
 * @param {Record<string, string>} env
 * @param {string} workdir
 * @param {readonly string[]} commands
 */
function inRoot(root, env, workdir, commands) {
  const authorities = process.env.NODE_EXTRA_CA_CERTS;
  const mounts = [
    `mount --bind /proc ${root}/proc`,
    `mount --rbind /dev ${root}/dev`,
    `mount -t tmpfs tmpfs ${root}/tmp`,
    `mount --bind /etc/resolv.conf ${root}/etc/resolv.conf`,
    `mount --bind /etc/hosts ${root}/etc/hosts`,
    ...(authorities ? [`cp ${authorities} ${root}/tmp/.authorities.pem`] : []),
  ];
  const script = `set -e
touch ${root}/etc/resolv.conf ${root}/etc/hosts
${mounts.join('\n')}
exec chroot ${root} /bin/sh -ec "$UMBRA_COMMANDS"`;
  const ran = spawnSync('unshare', ['--mount', '--', 'sh', '-c', script], {
    encoding: 'utf8',
    env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/root',
      ...env,
      UMBRA_COMMANDS: `cd ${workdir}\n${commands.join('\n')}`,
    },
    maxBuffer: 64 * 1024 * 1024,
  });
  if (ran.status !== 0) {
    throw new Error(`${commands.join('; ')}\n${ran.stdout.slice(-3000)}${ran.stderr.slice(-3000)}`);
  }
}

/**
 * Returns the program and arguments that run a command as in the cluster: a read-only root, memory for /tmp, folders for
 * volumes, the image's user, no capabilities and no new privileges.
 *
 * @param {Built} built
 * @param {Record<string, string>} volumes folders of this machine, by volume
 * @param {readonly string[]} command
 * @returns {[string, string[]]}
 */
export function confine({ root, workdir, user }, volumes, command) {
  const id = user === 'node' ? '1000:1000' : user;
  const [uid, gid] = id.split(':');
  const script = `set -e
mount --bind ${root} ${root}
mount -t proc proc ${root}/proc
mount --rbind /dev ${root}/dev
mount -t tmpfs tmpfs ${root}/tmp
${Object.entries(volumes)
  .map(([volume, folder]) => `mount --bind ${folder} ${root}${volume}`)
  .join('\n')}
mount -o remount,ro,bind ${root}
exec chroot ${root} setpriv --reuid=${uid} --regid=${gid ?? uid} --clear-groups --no-new-privs \
  --bounding-set=-all --inh-caps=-all sh -c 'cd ${workdir} && exec "$@"' sh "$@"`;
  return ['unshare', ['--mount', '--', 'sh', '-c', script, 'sh', ...command]];
}
