import { mustGet } from '@umbra/shared/assert';
import type { JobComparison, RowDifference } from '@umbra/shared/contracts/comparison';
import type { JobRecord } from '@umbra/shared/contracts/job';
import { quoteName, type Session } from './database.js';
import { type FieldKinds, fieldNames, rowKinds } from './fields.js';
import type { OpenIndex } from './job-indexes.js';
import { type PageQuery, type RowPage, readPage } from './query-rows.js';
import { rowJson } from './row-json.js';

/** Two jobs whose rows are compared: one, and the other. */
export type JobPair = readonly [JobRecord, JobRecord];

const differenceKinds = {
  change: 'number',
  predicted: 'flag',
  target: 'flag',
  score: 'number',
  drop: 'number',
  distance: 'number',
  distanceShare: 'number',
} as const satisfies Readonly<Record<keyof RowDifference, string>>;
const differenceNames = Object.keys(differenceKinds) as readonly (keyof RowDifference)[];

const under = (prefix: string, kinds: FieldKinds): FieldKinds =>
  Object.fromEntries(Object.entries(kinds).map(([name, kind]) => [`${prefix}.${name}`, kind]));

/** Fields of compared rows: what differs, those of the job, and those of the other one. */
export const comparedKinds: FieldKinds = {
  ...under('difference', differenceKinds),
  ...rowKinds,
  ...under('other', rowKinds),
};

/** List a page of the images that both jobs have. @throws {AppError} `invalid_input` for a bad cursor. */
export function queryComparedPage(
  jobs: JobPair,
  indexes: readonly [OpenIndex, OpenIndex],
  query: PageQuery,
  signal: AbortSignal,
): Promise<RowPage> {
  const [one, other] = indexes;
  const columns = ['index', 'other.index', ...differenceNames.map((name) => `difference.${name}`)];
  const source = { table: pairsOf(jobs, indexes), columns: columns.map(quoteName) };
  return one.within(signal, async (session) => {
    const { found, ...page } = await readPage(session, source, query);
    const read = (table: string, column: 0 | 1) =>
      readJson(
        session,
        table,
        found.map((values) => Number(values[column])),
      );
    const [ofJob, ofOther] = [await read(one.table, 0), await read(other.table, 1)];
    const rows = found.map(([index, otherIndex, ...values]) => {
      const differences = differenceNames.map((name, at) => [name, values[at] ?? null]);
      const own = mustGet(ofJob, Number(index)).slice(0, -1);
      const others = mustGet(ofOther, Number(otherIndex));
      return `${own},"other":${others},"difference":${JSON.stringify(Object.fromEntries(differences))}}`;
    });
    return { ...page, rows };
  });
}

/** JSON of rows, by index. A page's alone: of a join's rows, every column of all would be read. */
async function readJson(
  session: Session,
  table: string,
  indices: readonly number[],
): Promise<ReadonlyMap<number, string>> {
  if (indices.length === 0) return new Map();
  const found = await session.read(
    `SELECT "index", ${rowJson} FROM ${table} WHERE "index" IN (${indices.join(', ')})`,
  );
  return new Map(found.map(([index, json]) => [Number(index), String(json)]));
}

/** Count how two jobs differ. */
export function countDifferences(
  jobs: JobPair,
  indexes: readonly [OpenIndex, OpenIndex],
  signal: AbortSignal,
): Promise<JobComparison> {
  const [one, other] = indexes;
  return one.within(signal, async (session) => {
    const [counts = []] = await session.read(`
      SELECT count(*),
        (SELECT count(*) FROM ${one.table}), (SELECT count(*) FROM ${other.table}),
        count(*) FILTER ("difference.change" IS NOT NULL), count(*) FILTER ("difference.predicted"),
        count(*) FILTER (isRight AND NOT "other.isRight"), count(*) FILTER (NOT isRight AND "other.isRight")
      FROM ${pairsOf(jobs, indexes)}`);
    const [both = 0, ofJob = 0, ofOther = 0, completed = 0, predictedChanged = 0, ...rights] =
      counts.map(Number);
    const [rightToWrong = 0, wrongToRight = 0] = rights;
    return {
      matchedBy: isSameDataset(jobs) ? 'image' : 'photo',
      isSameModel: isSameModel(jobs),
      isSameScore: isSameScore(jobs),
      both,
      onlyJob: ofJob - both,
      onlyOther: ofOther - both,
      completed,
      predictedChanged,
      rightToWrong,
      wrongToRight,
    };
  });
}

const isSameDataset = ([one, other]: JobPair): boolean => one.dataset === other.dataset;
const isSameModel = ([one, other]: JobPair): boolean => one.model.digest === other.model.digest;
const isSameScore = ([one, other]: JobPair): boolean => one.settings.score === other.settings.score;

/** A query, in parentheses, of the images that both jobs have, with the columns of `comparedKinds`. */
function pairsOf(jobs: JobPair, [one, other]: readonly [OpenIndex, OpenIndex]): string {
  const own = fieldNames.map((name) => `a.${quoteName(name)}`);
  const others = fieldNames.map((name) => `b.${quoteName(name)} AS ${quoteName(`other.${name}`)}`);
  const differences = Object.entries(differencesOf(jobs)).map(
    ([name, sql]) => `${sql} AS ${quoteName(`difference.${name}`)}`,
  );
  return `(SELECT *, ${changeOf(jobs)} AS "difference.change" FROM (
    SELECT ${[...own, ...others, ...differences].join(', ')} FROM ${joinOf(jobs, one.table, other.table)}
  ))`;
}

/** The rows `a` of a job joined with those of the other one, `b`, of the same image. */
function joinOf(jobs: JobPair, one: string, other: string): string {
  if (isSameDataset(jobs)) return `${one} a JOIN ${other} b ON a."index" = b."index"`;
  // One photo may be in a dataset several times: its copies are paired in their order.
  const copies = (table: string): string =>
    `SELECT "index", photo, row_number() OVER (PARTITION BY photo ORDER BY "index") AS copy FROM ${table}`;
  // By themselves: what the order of copies is found for must fit into memory, and that is two columns.
  const same = `SELECT x."index" AS one, y."index" AS other FROM (${copies(one)}) x JOIN (${copies(other)}) y USING (photo, copy)`;
  return `(${same}) m JOIN ${one} a ON a."index" = m.one JOIN ${other} b ON b."index" = m.other`;
}

/** What differs, in SQL over an image's rows `a` and `b`. */
function differencesOf(jobs: JobPair): Readonly<Record<string, string>> {
  const number = (name: string): string =>
    isSameScore(jobs) ? `b.${quoteName(name)} - a.${quoteName(name)}` : 'CAST(NULL AS DOUBLE)';
  // Other models number their classes in another way.
  const classOf = (row: 'a' | 'b', field: string): string =>
    isSameModel(jobs) ? `${row}."${field}.index"` : `lower(${row}."${field}.label")`;
  // Where no class reaches the threshold of independent ones, none is predicted.
  const decided = (row: 'a' | 'b'): string =>
    `CASE WHEN coalesce(${row}."predicted.aboveThreshold", true) THEN CAST(${classOf(row, 'predicted')} AS VARCHAR) ELSE '' END`;
  /** Twice the way between the centres on an axis, px. */
  const way = (start: string, end: string): string =>
    `(b."lowest.box.${start}" + b."lowest.box.${end}" - a."lowest.box.${start}" - a."lowest.box.${end}")`;
  const distance = `sqrt(${way('top', 'bottom')} ** 2 + ${way('left', 'right')} ** 2) / 2`;
  return {
    predicted: `${decided('a')} <> ${decided('b')}`,
    target: `${classOf('a', 'target')} <> ${classOf('b', 'target')}`,
    score: number('score'),
    drop: number('drop'),
    distance,
    distanceShare: `${distance} / sqrt(a.width ** 2 + a.height ** 2)`,
  };
}

/**
 * How much an image changed, in SQL over what differs: 1 where the predicted class did, and the mean of three
 * sizes in [0, 1]: of the score's and of the drop's difference, and of the distance as a share of the
 * diagonal. What is not known counts 0.
 */
function changeOf(jobs: JobPair): string {
  // Probabilities differ by 1 at most; other scores have no bound.
  const size = (name: string): string => {
    const distance = `coalesce(abs("difference.${name}"), 0)`;
    const isShare = jobs[0].settings.score === 'probability';
    return isShare ? `least(1, ${distance})` : `${distance} / (1 + ${distance})`;
  };
  const share = 'coalesce("difference.distanceShare", 0)';
  return `CASE WHEN state = 'completed' AND "other.state" = 'completed' THEN
    CASE WHEN "difference.predicted" THEN 1 ELSE 0 END
      + (${size('score')} + ${size('drop')} + ${share}) / 3 END`;
}
