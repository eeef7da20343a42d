import { join } from 'node:path';
import { at } from '@umbra/shared/assert';
import type { ImageResult } from '@umbra/shared/contracts/result';
import type { Faithfulness } from '@umbra/shared/contracts/shard';
import type { Box } from '@umbra/shared/occlusion/grid';
import { escapeHidden } from '@umbra/shared/visible-text';

type TargetSummary = {
  readonly target: string;
  readonly baseline: number;
  /** As result.json has it: its box is in px of the model's input. */
  readonly lowest: ImageResult['targets'][number]['lowest'];
  /** The box of `lowest` in px of the photo, as `--box` takes it; null in a result of an older version. */
  readonly where: Box | null;
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
  /** Unit of `baseline` and `lowest`. */
  readonly score: ImageResult['settings']['score'];
  readonly approximate: boolean;
  readonly targets: readonly TargetSummary[];
};

export function summarise(result: ImageResult, folder: string): Summary {
  const pathOf = (file: string) => (result.files.includes(file) ? join(folder, file) : null);
  const targets = result.targets.map((target) => ({
    target: target.label,
    baseline: target.score,
    lowest: target.lowest,
    where: target.lowest.photoBox ?? null,
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
    score: result.settings.score,
    approximate: result.approximate,
    ...first,
    targets,
  };
}

/** More photos are in result.json and `--json` alone. */
const maxShown = 50;

/** A plain-text table, a line a target: where covering it hurts most, and what else was asked. */
export function formatTable(summaries: readonly Summary[]): string {
  const shown = summaries.slice(0, maxShown);
  const lines = shown.flatMap((summary) => summary.targets.map((own) => ({ summary, own })));
  const isPlain = lines.every(
    ({ summary, own }) => summary.targets.length === 1 && own.target === summary.predicted,
  );
  const hasFaithfulness = lines.some(({ own }) => own.faithfulness !== null);
  const hasFrames = lines.every(({ own }) => own.where !== null);
  const rows = lines.map(({ summary, own: { target, baseline, lowest, where, faithfulness } }) => [
    summary.name,
    summary.predicted ?? 'none',
    ...(isPlain ? [] : [target]),
    baseline.toFixed(3),
    lowest.score.toFixed(3),
    formatBox((hasFrames ? where : null) ?? lowest.box),
    ...(hasFaithfulness ? [formatAreas(faithfulness)] : []),
  ]);
  const table = alignColumns([
    [
      ...['photo', 'predicted class'],
      ...(isPlain ? [] : ['target']),
      ...[summaries[0]?.score ?? 'score', 'lowest when covered'],
      hasFrames ? 'where (px of the photo)' : "where (px of the model's input)",
      ...(hasFaithfulness ? ['deletion / insertion'] : []),
    ],
    ...rows,
  ]);
  const more = summaries.length - shown.length;
  return more === 0 ? table : `${table}\n... and ${more} more`;
}

const formatBox = ({ left, right, top, bottom }: Box): string =>
  `x ${left}-${right}, y ${top}-${bottom}`;

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
