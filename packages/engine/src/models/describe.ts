import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { channelCount, type ModelBundle, parseBundle } from '@umbra/shared/contracts/model';
import { type AppError, invalidInput } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';
import { digestOf, type StagedModel } from './bundle.js';
import { describeOutput, type OutputClaims } from './describe-output.js';
import type { ModelFacts, ReadFacts } from './facts.js';
import { readLabelFile } from './label-files.js';
import { readOnnxFacts } from './onnx-facts.js';
import { readTfjsFacts } from './tfjs-facts.js';

/** A user's statements about a model; they take precedence over its files. */
export type ModelClaims = OutputClaims & {
  readonly name?: string | undefined;
  readonly format?: string | undefined;
  /** Path of a file of class names: see `readLabelFile`. */
  readonly labels?: string | undefined;
  readonly size?: Size | undefined;
  readonly layout?: string | undefined;
  readonly channels?: string | undefined;
  readonly scale?: number | undefined;
  readonly mean?: readonly number[] | undefined;
  readonly std?: readonly number[] | undefined;
  readonly resize?:
    | { readonly rule: string; readonly shorterSide?: number | undefined }
    | undefined;
  readonly interpolation?: string | undefined;
  readonly licence?: string | undefined;
  readonly source?: string | undefined;
};

/** Readers of model files, by the end of a file's name. */
const fileKinds: readonly {
  readonly suffix: string;
  readonly formats: readonly string[];
  readonly read: ReadFacts;
}[] = [
  { suffix: '.onnx', formats: ['onnx'], read: readOnnxFacts },
  { suffix: 'model.json', formats: ['tfjs-layers', 'tfjs-graph'], read: readTfjsFacts },
];
const labelsFile = 'labels.json';
const maxNameLength = 100;

/** Read the facts of a bundle's model file. @throws {AppError} `integrity` if it is damaged. */
export function readFacts(
  folder: string,
  { format, model }: Pick<ModelBundle, 'format' | 'model'>,
): Promise<ModelFacts> {
  return format === 'onnx' ? readOnnxFacts(folder, model) : readTfjsFacts(folder, model);
}

export type DescribeOptions = {
  /** Refuse a model that reads files beside its own, before any of them is opened. */
  readonly isAlone?: boolean;
};

/**
 * Describe a model that came without a `bundle.json`, from its files and the user's claims.
 *
 * @param path The model's file, or a folder that holds one.
 * @throws {AppError} `invalid_input` naming all that is missing together.
 */
export async function describeFolder(
  path: string,
  claims: ModelClaims,
  { isAlone = false }: DescribeOptions = {},
): Promise<StagedModel> {
  const { folder, file, read } = await findModelFile(resolve(path), claims.format);
  const facts = await read(folder, file);
  const [other] = facts.files.filter((one) => one !== file);
  if (isAlone && other !== undefined) {
    throw invalidInput(
      `Expected a file that holds its weights, got one that reads '${other}': save it without external data`,
    );
  }
  const { format } = facts;
  if (claims.format !== undefined && claims.format !== format) {
    throw invalidInput(`Expected --format ${format}, which '${file}' is, got '${claims.format}'`);
  }
  const size = claims.size ?? (facts.height && facts.width ? (facts as Size) : undefined);
  const channels = claims.channels ?? facts.channels ?? 'RGB';
  const scale = claims.scale ?? facts.scale;
  const fill = (value: number) => Array<number>(channelCount({ channels })).fill(value);
  const { mean = fill(0), std = fill(1) } = claims;
  const named = await readLabelNames(folder, claims.labels);
  const { output, labels, missing: missingOutput } = describeOutput(facts, claims, named);
  const name =
    claims.name ?? (nameOf(/^model\.(onnx|json)$/.test(file) ? folder : file) || undefined);
  const missing: string[] = Object.entries({ name, size, scale }).flatMap(([field, value]) =>
    value === undefined || value === null ? wanted[field as keyof typeof wanted] : [],
  );
  missing.push(...missingOutput);
  if (missing.length > 0) {
    throw invalidInput(
      `'${path}' has no bundle.json, and ${file} does not say:\n${missing.join('\n')}`,
    );
  }
  const files = new Map<string, string | Buffer>();
  for (const path of facts.files) files.set(path, join(folder, path));
  if (labels !== null) files.set(labelsFile, Buffer.from(`${JSON.stringify(labels, null, 0)}\n`));
  const description = {
    version: 1,
    name,
    format,
    files: await Promise.all([...files].map(([name, content]) => listFile(name, content))),
    model: facts.model,
    ...(labels !== null && { labels: labelsFile }),
    input: {
      layout: claims.layout ?? facts.layout ?? 'NCHW',
      height: size?.height,
      width: size?.width,
      channels,
      scale,
      mean,
      std,
      resize: withSide(claims.resize ?? { rule: 'crop' }, size),
      interpolation: claims.interpolation ?? 'bilinear',
    },
    ...(facts.batch !== null && { batch: facts.batch }),
    output,
    licence: claims.licence ?? 'not stated',
    source: claims.source ?? file,
  };
  const text = Buffer.from(`${JSON.stringify(description, null, 2)}\n`);
  return { bundle: parseBundle(text, 'bundle.json, as described'), description: text, files };
}

const wanted = {
  name: "  --name NAME: a name of a-z, 0-9, '.', '_' and '-'; the file's own has none of these",
  size: '  --input HEIGHTxWIDTH: the extent of its input, px, since the file leaves it open',
  scale:
    '  --scale S, and --mean R,G,B --std R,G,B (one number each where it takes grey) unless they are 0 and 1: a pixel p in [0, 255] enters as (p * S - mean) / std; torchvision has 1/255, 0.485,0.456,0.406 and 0.229,0.224,0.225',
} as const;

async function findModelFile(path: string, claimed: string | undefined) {
  const known = fileKinds.filter(
    ({ formats }) => claimed === undefined || formats.includes(claimed),
  );
  if (known.length === 0) {
    const formats = fileKinds.flatMap((kind) => kind.formats);
    throw invalidInput(`Expected --format to be ${formats.join(' or ')}, got '${claimed}'`);
  }
  const own = known.find(({ suffix }) => path.endsWith(suffix));
  if (own) return { folder: dirname(path), file: basename(path), read: own.read };
  for (const { suffix, read } of known) {
    const names = await readdir(path).catch((error: unknown) => {
      throw invalidInput(`Expected a model's folder or file at '${path}'`, error);
    });
    const files = names.filter((name) => name.endsWith(suffix)).sort();
    if (files.length > 1) throw tooMany(path, files);
    const [file] = files;
    if (file !== undefined) return { folder: path, file, read };
  }
  const suffixes = known.map(({ suffix }) => `*${suffix}`).join(' or ');
  throw invalidInput(`Expected bundle.json or one ${suffixes} in '${path}', got neither`);
}

const tooMany = (path: string, files: readonly string[]): AppError =>
  invalidInput(`Expected one model in '${path}', got ${files.join(', ')}: give the file itself`);

/** Make a bundle's name of a file's: lower case, digits, dots, dashes. */
const nameOf = (path: string): string =>
  basename(path, extname(path) === '.onnx' ? '.onnx' : '')
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, maxNameLength)
    .replace(/-+$/, '');

/** Add the side that just covers the input to a crop or fit without one. */
const withSide = (
  { rule, shorterSide }: NonNullable<ModelClaims['resize']>,
  size: Size | undefined,
): object => {
  if (rule === 'squash') return { rule };
  const { height = 1, width = 1 } = size ?? {};
  const side = rule === 'fit' ? Math.min(height, width) : Math.max(height, width);
  return { rule, shorterSide: shorterSide ?? side };
};

async function readLabelNames(
  folder: string,
  claimed: string | undefined,
): Promise<readonly string[] | null> {
  const path = claimed ?? join(folder, labelsFile);
  return claimed === undefined && !existsSync(path) ? null : readLabelFile(path);
}

async function listFile(name: string, content: string | Buffer) {
  const { sha256, bytes } = await digestOf(content).catch((error: unknown) => {
    throw invalidInput(`Expected '${name}' beside the model, which reads its weights there`, error);
  });
  return { path: name, sha256, bytes };
}
