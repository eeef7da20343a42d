import { imageState } from '@umbra/shared/contracts/result';
import type { RowFacets } from '@umbra/shared/contracts/row';
import { allOf, type Condition } from './filters.js';
import type { OpenIndex } from './job-indexes.js';

export type FacetQuery = {
  readonly conditions: readonly Condition[];
  /** Values of each facet, the most frequent ones first. */
  readonly limit: number;
};

/** Count the rows that fit a filter by what they say. */
export async function queryFacets(
  { within, table }: OpenIndex,
  { conditions, limit }: FacetQuery,
  signal: AbortSignal,
): Promise<RowFacets> {
  const { sql, values } = allOf(conditions);
  return within(signal, async (session) => {
    /** Count by columns, at least one of which has a value. */
    const countBy = async (columns: readonly string[]) => {
      const names = columns.join(', ');
      const groups = `SELECT ${names}, count(*) AS count FROM ${table} WHERE (${sql}) AND ${columns[0]} IS NOT NULL GROUP BY ALL`;
      const found = await session.read(
        `SELECT *, count(*) OVER () FROM (${groups}) ORDER BY count DESC, ${names} LIMIT ${limit}`,
        values,
      );
      return { distinct: Number(found[0]?.at(-1) ?? 0), found };
    };
    const states = await session.read(
      `SELECT state, count(*) FROM ${table} WHERE ${sql} GROUP BY state ORDER BY state`,
      values,
    );
    const [[right, wrong, unknown] = []] = await session.read(
      `SELECT count(*) FILTER (isRight), count(*) FILTER (NOT isRight), count(*) FILTER (isRight IS NULL) FROM ${table} WHERE ${sql}`,
      values,
    );
    const labels = await countBy(['label', 'labelIsIndex']);
    const predicted = await countBy(['"predicted.index"', '"predicted.label"']);
    const pairs = await countBy([
      ...['label', 'labelIsIndex', '"predicted.index"', '"predicted.label"'],
    ]);
    return {
      total: states.reduce((sum, [, count]) => sum + Number(count), 0),
      states: states.map(([state, count]) => ({
        state: imageState.parse(state),
        count: Number(count),
      })),
      isRight: { right: Number(right), wrong: Number(wrong), unknown: Number(unknown) },
      labels: {
        distinct: labels.distinct,
        values: labels.found.map(([label, isIndex, count]) => ({
          label: labelOf(label, isIndex),
          count: Number(count),
        })),
      },
      predicted: {
        distinct: predicted.distinct,
        values: predicted.found.map(([index, label, count]) => ({
          ...{ index: Number(index), label: String(label) },
          count: Number(count),
        })),
      },
      pairs: {
        distinct: pairs.distinct,
        values: pairs.found.map(([label, isIndex, index, predictedLabel, count]) => ({
          label: labelOf(label, isIndex),
          predicted:
            index === null ? null : { index: Number(index), label: String(predictedLabel) },
          count: Number(count),
        })),
      },
    };
  });
}

const labelOf = (label: unknown, isIndex: unknown): string | number =>
  isIndex === true ? Number(label) : String(label);
