import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { addModel, checkModel, describeFolder, readBundle, stageBundle } from '@umbra/engine';
import { invalidInput, reportError } from '@umbra/shared/errors';
import { findModel, modelFolders, registryFolder } from '../lib/find-model.js';
import { alignColumns } from '../lib/summary.js';

export const modelsUsage = `  umbra models add DIR|FILE [--name NAME] [--replace]
      copy a model, verified, to where --model finds it by name; one without bundle.json (ONNX, or
      TensorFlow.js) needs --scale S [--mean R,G,B --std R,G,B], and --input HxW,
      --output logits|probabilities where the file does not say; --labels FILE --layout --channels
      --resize crop:PX|fit:PX|squash --interpolation --format --licence --source
  umbra models list [--json]
  umbra models check NAME|DIR [--json]
      digests, labels, a forward pass, and that every strategy gives the same`;

const options = {
  name: { type: 'string' },
  replace: { type: 'boolean' },
  json: { type: 'boolean' },
  format: { type: 'string' },
  labels: { type: 'string' },
  input: { type: 'string' },
  layout: { type: 'string' },
  output: { type: 'string' },
  channels: { type: 'string' },
  scale: { type: 'string' },
  mean: { type: 'string' },
  std: { type: 'string' },
  resize: { type: 'string' },
  interpolation: { type: 'string' },
  licence: { type: 'string' },
  source: { type: 'string' },
} as const;

/** Add, list or check models on this machine. */
export async function models(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
  const [action, path] = positionals;
  if (action === 'list') return list(values.json === true);
  if (path === undefined || (action !== 'add' && action !== 'check')) {
    throw invalidInput(
      `Expected 'list', 'add DIR' or 'check NAME', got '${positionals.join(' ')}'`,
    );
  }
  if (action === 'check') return check(path, values.json === true);
  const staged = existsSync(join(path, 'bundle.json'))
    ? await stageBundle(path, values.name)
    : await describeFolder(path, { ...values, ...numbersOf(values) });
  const { folder, known } = await addModel(registryFolder(), staged, values.replace);
  process.stdout.write(`${staged.bundle.name}: ${known ? 'already in' : 'added to'} ${folder}\n`);
}

type Texts = {
  readonly [name in 'input' | 'scale' | 'mean' | 'std' | 'resize']?: string | undefined;
};

function numbersOf({ input, scale, mean, std, resize }: Texts) {
  const [height = Number.NaN, width = Number.NaN] = input?.split('x').map(Number) ?? [];
  const [top = Number.NaN, bottom = 1] = scale?.split('/').map(Number) ?? [];
  const [rule = '', side] = resize?.split(':') ?? [];
  return {
    size: input === undefined ? undefined : { height, width },
    scale: scale === undefined ? undefined : top / bottom,
    mean: mean?.split(',').map(Number),
    std: std?.split(',').map(Number),
    resize: resize === undefined ? undefined : { rule, ...(side && { shorterSide: Number(side) }) },
  };
}

async function list(json: boolean): Promise<void> {
  const rows = [];
  for (const registry of modelFolders().filter((folder) => existsSync(folder))) {
    for (const entry of await readdir(registry)) {
      const folder = join(registry, entry);
      if (entry.startsWith('.') || !existsSync(join(folder, 'bundle.json'))) continue;
      try {
        const { bundle, digest } = await readBundle(folder);
        const { height, width } = bundle.input;
        rows.push({ name: bundle.name, format: bundle.format, height, width, digest, folder });
      } catch (error) {
        // One damaged bundle hides no other.
        process.stderr.write(`${folder}: ${reportError(error).message}\n`);
        process.exitCode = 1;
      }
    }
  }
  const cells = rows.map((row) => [row.name, row.format, `${row.height}x${row.width}`, row.folder]);
  process.stdout.write(
    json
      ? `${JSON.stringify({ models: rows })}\n`
      : `${alignColumns([['model', 'format', 'input', 'folder'], ...cells])}\n`,
  );
}

async function check(model: string, json: boolean): Promise<void> {
  const steps = await checkModel(findModel(model));
  const mark = (ok: boolean | null) => (ok === null ? '-' : ok ? 'ok' : 'FAILED');
  const lines = steps.map(({ name, ok, detail }) => `${mark(ok).padEnd(7)}${name}: ${detail}`);
  process.stdout.write(json ? `${JSON.stringify({ steps })}\n` : `${lines.join('\n')}\n`);
  if (steps.some(({ ok }) => ok !== true)) process.exitCode = 1;
}
