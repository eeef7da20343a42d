import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { at } from '@umbra/shared/assert';
import { errorReport } from '@umbra/shared/contracts/dataset';
import { type ImageResult, imageResult } from '@umbra/shared/contracts/result';
import type { Faithfulness } from '@umbra/shared/contracts/shard';
import { escapeHidden } from '@umbra/shared/visible-text';
import { z } from 'zod';

type TargetSummary = {
  readonly target: string;
  readonly baseline: number;
  readonly lowest: ImageResult['targets'][number]['lowest'];
  readonly faithfulness: Faithfulness | null;
  /** null where it was not kept. */
  readonly heatmap: string | null;
  readonly overlay: string | null;
};

/** One explained photo, as `--json` prints it: its first target, and all. Paths are absolute. */
export type Summary = TargetSummary & {
  readonly name: string;
  /** The predicted class; null where none reaches the model's threshold. */
  readonly predicted: string | null;
  /** Probability of the most probable class. */
  readonly probability: number;
  readonly approximate: boolean;
  readonly targets: readonly TargetSummary[];
};

/** Read every `result.json` one level below a folder, in the order of the images' ids. */
export async function readSummaries(folder: string): Promise<Summary[]> {
  const results: { result: ImageResult; folder: string }[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const path = join(folder, entry.name);
    const result = imageResult.parse(JSON.parse(await readFile(join(path, 'result.json'), 'utf8')));
    results.push({ result, folder: path });
  }
  results.sort((a, b) => (a.result.image.id < b.result.image.id ? -1 : 1));
  return results.map(({ result, folder }) => summarise(result, folder));
}

const failedImage = z.object({ name: z.string(), error: errorReport });
/** A photo that could not be explained, and why. */
export type FailedImage = z.output<typeof failedImage>;

/** Read the images that failed from an unpacked archive. */
export async function readFailures(folder: string): Promise<FailedImage[]> {
  const lines = (await readFile(join(folder, 'errors.jsonl'), 'utf8')).split('\n');
  return lines.filter((line) => line !== '').map((line) => failedImage.parse(JSON.parse(line)));
}

export function summarise(result: ImageResult, folder: string): Summary {
  const pathOf = (file: string) => (result.files.includes(file) ? join(folder, file) : null);
  const targets = result.targets.map((target) => ({
    target: target.label,
    baseline: target.score,
    lowest: target.lowest,
    faithfulness: target.faithfulness,
    heatmap: pathOf(target.heatmap),
    overlay: pathOf(target.overlay),
  }));
  const [first] = targets;
  if (first === undefined) throw new RangeError('Expected a result to have targets, got none');
  return {
    name: result.image.name,
    predicted: result.predicted.aboveThreshold === false ? null : result.predicted.label,
    probability: result.predicted.probability,
    approximate: result.approximate,
    ...first,
    targets,
  };
}

/** A plain-text table, a line a target: where covering it hurts most, and what else was asked. */
export function formatTable(summaries: readonly Summary[]): string {
  const lines = summaries.flatMap((summary) => summary.targets.map((own) => ({ summary, own })));
  const isPlain = lines.every(
    ({ summary, own }) => summary.targets.length === 1 && own.target === summary.predicted,
  );
  const hasFaithfulness = lines.some(({ own }) => own.faithfulness !== null);
  const rows = lines.map(({ summary, own: { target, baseline, lowest, faithfulness } }) => [
    summary.name,
    summary.predicted ?? 'none',
    summary.probability.toFixed(3),
    ...(isPlain ? [] : [target, baseline.toFixed(3)]),
    lowest.score.toFixed(3),
    `x ${lowest.box.left}-${lowest.box.right}, y ${lowest.box.top}-${lowest.box.bottom}`,
    ...(hasFaithfulness ? [formatAreas(faithfulness)] : []),
  ]);
  return alignColumns([
    [
      ...['photo', 'predicted class', 'probability'],
      ...(isPlain ? [] : ['target', 'score']),
      ...['lowest when covered', 'where (px)'],
      ...(hasFaithfulness ? ['deletion / insertion'] : []),
    ],
    ...rows,
  ]);
}

const formatAreas = (found: Faithfulness | null): string =>
  found === null ? '' : `${found.deletion.toFixed(3)} / ${found.insertion.toFixed(3)}`;

/** Align cells in columns, with a rule below the first row; every row has a cell a column. */
export function alignColumns(table: readonly (readonly string[])[]): string {
  const [header = [], ...rows] = table.map((cells) => cells.map(escapeHidden));
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => at(row, column).length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(at(widths, column)))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width));
  return [header, rule, ...rows].map(line).join('\n');
}
