import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ImageResult, imageResult } from '@umbra/shared';

/** One explained photo, as `--json` prints it. Paths are absolute. */
export type Summary = {
  readonly name: string;
  readonly predicted: string;
  readonly probability: number;
  readonly target: string;
  readonly clean: number;
  readonly lowest: ImageResult['lowest'];
  readonly heatmap: string;
  readonly overlay: string;
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

export function summarise(result: ImageResult, folder: string): Summary {
  return {
    name: result.image.name,
    predicted: result.clean.predicted.label,
    probability: result.clean.predicted.probability,
    target: result.clean.target.label,
    clean: result.clean.score,
    lowest: result.lowest,
    heatmap: join(folder, 'heatmap.png'),
    overlay: join(folder, 'overlay.png'),
  };
}

/** A plain-text table: photo, class, probability, and where covering it hurts most. */
export function formatTable(summaries: readonly Summary[]): string {
  const header = ['photo', 'predicted class', 'probability', 'lowest when covered', 'where (px)'];
  const rows = summaries.map((summary) => [
    summary.name,
    summary.predicted,
    summary.probability.toFixed(3),
    summary.lowest.score.toFixed(3),
    `x ${summary.lowest.box.left}-${summary.lowest.box.right}, y ${summary.lowest.box.top}-${summary.lowest.box.bottom}`,
  ]);
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join(
    '\n',
  );
}
