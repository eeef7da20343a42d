import { quote, quoteName, type Session } from './database.js';
import { type FieldName, fieldNames, kindOf, outcomeFields, sourceOf } from './fields.js';

// The index of a job is the table `rows` of a database of its own: a column a field, and three more: the most
// probable classes, whether the label is a number, and which photo it is, by half of its digest.

/** Types of the columns of a stored row, as `storedRow` says. */
const storedColumns = {
  id: 'VARCHAR',
  attempt: 'INTEGER',
  state: 'VARCHAR',
  error: 'STRUCT(code VARCHAR, message VARCHAR)',
  predicted: 'STRUCT("index" INTEGER, label VARCHAR, probability DOUBLE, aboveThreshold BOOLEAN)',
  isRight: 'BOOLEAN',
  top: 'STRUCT("index" INTEGER, label VARCHAR, probability DOUBLE)[]',
  target: 'STRUCT("index" INTEGER, label VARCHAR)',
  score: 'DOUBLE',
  drop: 'DOUBLE',
  lowest:
    'STRUCT(grid INTEGER, "row" INTEGER, "column" INTEGER, box STRUCT("top" INTEGER, "left" INTEGER, "bottom" INTEGER, "right" INTEGER))',
  flips: 'INTEGER',
  flippedShare: 'DOUBLE',
  borderShare: 'DOUBLE',
  seconds: 'DOUBLE',
} as const;

const itemColumns = {
  id: 'VARCHAR',
  name: 'VARCHAR',
  label: 'JSON',
  width: 'INTEGER',
  height: 'INTEGER',
  sha256: 'VARCHAR',
} as const;

/** No line is longer: see `readJsonLines`. */
const maxLineBytes = 1024 * 1024;

const readLines = (files: readonly string[], columns: Readonly<Record<string, string>>): string => {
  const typed = Object.entries(columns).map(([name, type]) => `${quoteName(name)}: ${quote(type)}`);
  return `read_json([${files.map(quote).join(', ')}], columns = {${typed.join(', ')}}, format = 'newline_delimited', maximum_object_size = ${maxLineBytes}, filename = true)`;
};

/** Position of an image in its dataset: see `imageIndexOf`. */
const indexOfId = 'CAST(substr(id, 5) AS INTEGER)';

/**
 * Rows of stored segments, each image's last: the one of the later attempt, and of the later segment, whose
 * names sort in the order of writing. Images that failed in an attempt before this one are run again.
 */
const outcomesOf = (files: readonly string[], attempt: number): string => `
  SELECT ${indexOfId} AS "index", top, ${outcomeFields.map((name) => `${sourceOf(name)} AS ${quoteName(name)}`).join(', ')}
  FROM ${readLines(files, storedColumns)}
  WHERE state = 'completed' OR attempt >= ${attempt}
  QUALIFY row_number() OVER (PARTITION BY "index" ORDER BY attempt DESC, filename DESC) = 1`;

/** 128 bits of a photo's digest, which are read as the number that a UUID is. */
const photo = 'TRY_CAST(substr(sha256, 1, 32) AS UUID)';

const sqlTypes = {
  text: 'VARCHAR',
  state: 'VARCHAR',
  list: 'VARCHAR',
  integer: 'INTEGER',
  number: 'DOUBLE',
  flag: 'BOOLEAN',
} as const;

const itemFields = fieldNames.filter((name) => sourceOf(name) === null);

/** Files of a job's rows on this machine. */
export type RowFiles = {
  /** The dataset's manifest. */
  readonly manifest: string;
  /** Segments, whose names sort in the order of writing. */
  readonly segments: readonly string[];
};

/**
 * Make the index of a job.
 *
 * @param schema Name of its database.
 * @param attempt The job's.
 */
export async function fillRows(
  session: Session,
  schema: string,
  { manifest, segments }: RowFiles,
  attempt: number,
): Promise<void> {
  const outcomes = segments.length === 0 ? noOutcomes : outcomesOf(segments, attempt);
  const expressionOf = (name: FieldName): string => {
    if (name === 'state') return `coalesce(o.state, 'pending') AS state`;
    return `${itemFields.includes(name) ? 'i' : 'o'}.${quoteName(name)}`;
  };
  await session.run(`
    CREATE OR REPLACE TABLE ${schema}.rows AS
    SELECT ${fieldNames.map(expressionOf).join(', ')}, i.labelIsIndex, i.photo, o.top
    FROM (
      SELECT id, ${indexOfId} AS "index", name, label ->> '$' AS label,
        json_type(label) <> 'VARCHAR' AS labelIsIndex, width, height, ${photo} AS photo
      FROM ${readLines([manifest], itemColumns)}
    ) i LEFT JOIN (${outcomes}) o ON i."index" = o."index"`);
}

const noOutcomes = `SELECT CAST(NULL AS INTEGER) AS "index", CAST(NULL AS ${storedColumns.top}) AS top, ${outcomeFields
  .map((name) => `CAST(NULL AS ${sqlTypes[kindOf(name)]}) AS ${quoteName(name)}`)
  .join(', ')} WHERE false`;

/** Put rows of segments into the index; they replace those of the same images. */
export async function addRows(
  session: Session,
  schema: string,
  segments: readonly string[],
  attempt: number,
): Promise<void> {
  const own = itemFields.map((name) => `r.${quoteName(name)}`).join(', ');
  await session.run('BEGIN');
  try {
    await session.run(`
      CREATE TEMP TABLE fresh AS
      SELECT ${own}, r.labelIsIndex, r.photo, o.* EXCLUDE ("index")
      FROM ${schema}.rows r JOIN (${outcomesOf(segments, attempt)}) o ON r."index" = o."index"`);
    await session.run(
      `DELETE FROM ${schema}.rows WHERE "index" IN (SELECT "index" FROM temp.fresh)`,
    );
    await session.run(`INSERT INTO ${schema}.rows BY NAME SELECT * FROM temp.fresh`);
    await session.run('DROP TABLE temp.fresh');
    await session.run('COMMIT');
  } catch (error) {
    await session.run('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** Give images another state, unless they have ended meanwhile. */
export async function moveState(
  session: Session,
  schema: string,
  indices: readonly number[],
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  if (indices.length === 0 || from === to) return;
  await session.run(
    `UPDATE ${schema}.rows SET state = ? WHERE state = ? AND "index" IN (${indices.join(', ')})`,
    [to, from],
  );
}
