// What runs in production, from node_modules: its licences, its advisories and its bill of materials.
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/**
 * @typedef {{ name: string, version: string, licence: string | null, path: string }} RuntimePackage
 * @typedef {{ package: string, licence: string, reason: string }} LicenceException
 * @typedef {{ allowed: readonly string[], exceptions: readonly LicenceException[] }} LicencePolicy
 * @typedef {{ id: string, package: string, reason: string, expires: string }} AllowedAdvisory
 */

/**
 * Every package that the apps need when they run, as it is installed here, and those that are bundled into one of them.
 * Not npm's own `--omit dev`, which leaves out what the root also lists as a development dependency.
 *
 * @param {string} root
 * @returns {RuntimePackage[]} sorted by path
 */
export function listRuntimePackages(root) {
  /** @type {Map<string, RuntimePackage>} */
  const found = new Map();
  const visit = (/** @type {string} */ folder) => {
    if (found.has(folder)) return;
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const { name, version } = manifest;
    const path = relative(root, folder);
    found.set(folder, { name, version, licence: licenceOf(manifest), path });
    const optional = manifest.optionalDependencies ?? {};
    const peers = Object.keys(manifest.peerDependencies ?? {}).filter(
      (peer) => manifest.peerDependenciesMeta?.[peer]?.optional !== true,
    );
    for (const dependency of [
      ...Object.keys({ ...manifest.dependencies, ...optional }),
      ...(manifest.bundled ?? []),
      ...peers,
    ]) {
      const place = findPackage(folder, dependency);
      if (place !== null) visit(place);
      else if (optional[dependency] === undefined) {
        throw new Error(`Expected '${dependency}' of ${name} to be installed`);
      }
    }
  };
  for (const app of readdirSync(join(root, 'apps'))) visit(join(root, 'apps', app));
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * @param {string} from
 * @param {string} name
 * @returns {string | null}
 */
function findPackage(from, name) {
  for (let folder = from; ; folder = dirname(folder)) {
    const place = join(folder, 'node_modules', name);
    if (existsSync(join(place, 'package.json'))) return realpathSync(place);
    if (dirname(folder) === folder) return null;
  }
}

/** @param {{ license?: unknown, licenses?: unknown }} manifest older ones have objects and lists */
function licenceOf({ license, licenses }) {
  const given = license ?? (Array.isArray(licenses) && licenses.length === 1 ? licenses[0] : null);
  if (typeof given === 'string') return given;
  const type = /** @type {{ type?: unknown } | null} */ (given)?.type;
  return typeof type === 'string' ? type : null;
}

/**
 * @param {readonly RuntimePackage[]} packages
 * @param {LicencePolicy} policy
 * @returns {string[]} what the policy does not allow, and exceptions that nothing needs
 */
export function checkLicences(packages, { allowed, exceptions }) {
  const needless = new Set(exceptions);
  const refused = packages.flatMap(({ name, version, licence }) => {
    if (licence !== null && isAllowed(licence, allowed)) return [];
    const exception = exceptions.find(
      (one) => matches(one.package, name) && one.licence === licence && one.reason.trim() !== '',
    );
    if (exception !== undefined) {
      needless.delete(exception);
      return [];
    }
    return [`Expected an allowed licence of ${name}@${version}, got ${licence ?? 'none'}`];
  });
  return [
    ...refused,
    ...[...needless].map(
      (one) => `Expected a package for the exception of ${one.package}, got none`,
    ),
  ];
}

const matches = (/** @type {string} */ pattern, /** @type {string} */ name) =>
  pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;

/**
 * Whether an SPDX expression can be met by allowed licences alone. What is no such expression cannot.
 *
 * @param {string} expression
 * @param {readonly string[]} allowed
 */
export function isAllowed(expression, allowed) {
  const tokens = expression.match(/[()]|[^\s()]+/g) ?? [];
  let at = 0;
  /** @returns {boolean} */
  const either = () => {
    let met = both();
    while (tokens[at] === 'OR') {
      at += 1;
      met = both() || met;
    }
    return met;
  };
  const both = () => {
    let met = one();
    while (tokens[at] === 'AND') {
      at += 1;
      met = one() && met;
    }
    return met;
  };
  const one = () => {
    const token = tokens[at++];
    if (token !== '(') return token !== undefined && allowed.includes(token);
    const met = either();
    return tokens[at++] === ')' && met;
  };
  return either() && at === tokens.length;
}

/**
 * @param {string} reference of an image
 * @returns {string | null} why it may become another image tomorrow; null if it names a digest or a whole version
 */
export function floatingReason(reference) {
  if (/@sha256:[0-9a-f]{64}$/.test(reference)) return null;
  const [, tag] = /:([\w][\w.-]*)$/.exec(reference) ?? [];
  if (tag === undefined) return `Expected a tag or a digest, got '${reference}'`;
  if (/^v?\d+\.\d+\.\d+(?![\d.])/.test(tag)) return null;
  return `Expected a tag with a whole version, such as 1.2.3, got '${reference}'`;
}

/**
 * @param {Readonly<Record<string, string>>} files by path: Dockerfiles and YAML
 * @returns {{ path: string, reference: string }[]}
 */
export function listImages(files) {
  return Object.entries(files).flatMap(([path, text]) => {
    const found = path.endsWith('Dockerfile')
      ? [...text.matchAll(/^(?:ARG \w+_IMAGE=|FROM |# *syntax=)(\S+)/gm)]
      : [...text.matchAll(/^\s*(?:- )?image: *["']?([^"'\s#]+)/gm)];
    const stages = new Set([...text.matchAll(/^FROM \S+ AS (\S+)/gm)].map(([, name]) => name));
    return found
      .map(([, reference = '']) => ({ path, reference }))
      .filter(({ reference }) => !reference.startsWith('$') && !stages.has(reference));
  });
}

/**
 * @param {unknown} answer of `npm audit --json`
 * @param {{ packages: readonly RuntimePackage[], allowed: readonly AllowedAdvisory[], now: Date }} options
 * @returns {{ unanswered: string } | { refused: string[] }}
 */
export function judgeAudit(answer, { packages, allowed, now }) {
  const { vulnerabilities, message, statusCode, error } = /** @type {any} */ (answer ?? {});
  if (vulnerabilities === undefined) {
    return { unanswered: String(message ?? error?.summary ?? statusCode ?? 'no answer') };
  }
  const paths = new Set(packages.map(({ path }) => path));
  /** @type {Map<string, string>} */
  const advisories = new Map();
  for (const { name, nodes, via } of Object.values(vulnerabilities)) {
    if (!nodes.some((/** @type {string} */ node) => paths.has(node))) continue;
    for (const one of via) {
      // A string names another entry, which has the advisory.
      if (typeof one === 'string') continue;
      const id = /GHSA-[\w-]+/.exec(one.url)?.[0] ?? String(one.source);
      advisories.set(`${id} ${name}`, `${id} of ${name}: ${one.severity}, ${one.title}`);
    }
  }
  const today = now.toISOString().slice(0, 10);
  const held = allowed.filter((one) => one.reason.trim() !== '' && one.expires >= today);
  const excused = new Set(held.map((one) => `${one.id} ${one.package}`));
  const open = [...advisories].filter(([key]) => !excused.has(key)).map(([, words]) => words);
  const expired = allowed
    .filter((one) => !held.includes(one))
    .map((one) => `${one.id} is excused no more: ${one.expires}`);
  return { refused: [...open, ...expired] };
}

/**
 * Keep what runs of a CycloneDX document, and say what it lacks.
 *
 * @param {any} document of `npm sbom`, with development dependencies
 * @param {readonly RuntimePackage[]} packages
 */
export function toRuntimeSbom(document, packages) {
  const wanted = new Set(packages.map(({ name, version }) => `${name}@${version}`));
  const keep = (/** @type {string} */ reference) => wanted.has(reference.split('|')[0] ?? '');
  const root = document.metadata?.component;
  return {
    ...document,
    metadata: { ...document.metadata, component: { ...root, name: 'umbra' } },
    components: document.components.filter((/** @type {any} */ one) => keep(one['bom-ref'])),
    dependencies: document.dependencies
      .filter((/** @type {any} */ one) => keep(one.ref) || one.ref === root['bom-ref'])
      .map((/** @type {any} */ one) => ({ ...one, dependsOn: one.dependsOn.filter(keep) })),
  };
}

/**
 * @param {any} document
 * @param {readonly RuntimePackage[]} packages
 * @returns {string[]} what is missing of a bill of materials of these packages
 */
export function checkSbom(document, packages) {
  const problems = [];
  if (document?.bomFormat !== 'CycloneDX' || !/^1\.\d+$/.test(document?.specVersion)) {
    problems.push(`Expected CycloneDX 1.x, got ${document?.bomFormat} ${document?.specVersion}`);
  }
  const components = /** @type {any[]} */ (document?.components ?? []);
  const listed = new Map(components.map((one) => [one.purl?.replaceAll('%40', '@'), one]));
  for (const { name, version } of packages) {
    const component = listed.get(`pkg:npm/${name}@${version}`);
    if (component === undefined) problems.push(`Expected ${name}@${version} to be listed`);
    else if (!component.licenses?.length) problems.push(`Expected a licence of ${name}@${version}`);
  }
  if (components.length > packages.length) {
    problems.push(`Expected ${packages.length} components, got ${components.length}`);
  }
  const references = new Set(components.map((one) => one['bom-ref']));
  for (const { dependsOn = [] } of document?.dependencies ?? []) {
    for (const reference of dependsOn) {
      if (!references.has(reference)) problems.push(`Expected '${reference}' to be a component`);
    }
  }
  return problems;
}
