import { Readable } from 'node:stream';
import { keys } from '@umbra/platform/store/keys';
import type { ImageEvidence } from '@umbra/report';
import { imageIndexOf } from '@umbra/shared/ids';
import {
  ByteWriter,
  type ColumnSource,
  ParquetWriter,
  schemaFromColumnData,
} from 'hyparquet-writer';
import type { TenantJob } from '../jobs/job-record.js';
import type { WorkerServices } from '../services.js';

/** An image, and what the report found of it; null where it is not known. */
export type TableRow = {
  readonly evidence: ImageEvidence;
  /** Cluster of its decisive patch; null where that was not clustered. */
  readonly cluster: number | null;
  /** Lowest correlation of two of its maps. */
  readonly agreement: number | null;
  /** How unlike its class its evidence is, and that as a robust z-score. */
  readonly distance: number | null;
  readonly z: number | null;
};

type Value = string | number | boolean | null;
type Column = readonly [
  name: string,
  type: NonNullable<ColumnSource['type']>,
  of: (row: TableRow) => Value,
];

const flippedOf = ({ flips, computed }: ImageEvidence): number =>
  flips.reduce((sum, { positions }) => sum + positions, 0) / computed;

/** Columns of `report.parquet`; docs/report.md says what each is. */
const columns: readonly Column[] = [
  ['id', 'STRING', ({ evidence }) => evidence.id],
  ['index', 'INT32', ({ evidence }) => imageIndexOf(evidence.id)],
  ['name', 'STRING', ({ evidence }) => evidence.name],
  ['label', 'STRING', ({ evidence: { label } }) => (label === null ? null : String(label))],
  ['labelClass', 'STRING', ({ evidence }) => evidence.labelClass?.label ?? null],
  ['predicted', 'STRING', ({ evidence }) => evidence.predicted.label],
  ['isRight', 'BOOLEAN', ({ evidence }) => evidence.isRight],
  ['target', 'STRING', ({ evidence }) => evidence.target.label],
  ['score', 'DOUBLE', ({ evidence }) => evidence.score],
  ['drop', 'DOUBLE', ({ evidence }) => evidence.drop],
  ['flipped', 'DOUBLE', ({ evidence }) => flippedOf(evidence)],
  ['border', 'DOUBLE', ({ evidence }) => evidence.borderShare],
  ['offObject', 'DOUBLE', ({ evidence }) => evidence.offObjectShare],
  ['top', 'INT32', ({ evidence }) => evidence.lowest.photoBox.top],
  ['left', 'INT32', ({ evidence }) => evidence.lowest.photoBox.left],
  ['bottom', 'INT32', ({ evidence }) => evidence.lowest.photoBox.bottom],
  ['right', 'INT32', ({ evidence }) => evidence.lowest.photoBox.right],
  ['patchOffObject', 'BOOLEAN', ({ evidence }) => evidence.lowest.isOffObject],
  ['cluster', 'INT32', ({ cluster }) => cluster],
  ['agreement', 'DOUBLE', ({ agreement }) => agreement],
  ['distance', 'DOUBLE', ({ distance }) => distance],
  ['z', 'DOUBLE', ({ z }) => z],
  ['deletion', 'DOUBLE', ({ evidence }) => evidence.faithfulness?.deletion ?? null],
  ['insertion', 'DOUBLE', ({ evidence }) => evidence.faithfulness?.insertion ?? null],
];

/** Rows that are held until they are written. */
const groupRows = 4_096;

/** Write `report.parquet`, a row an image, in bounded memory. */
export async function writeTable(
  { store }: Pick<WorkerServices, 'store'>,
  { tenant, job }: TenantJob,
  rows: AsyncIterable<TableRow>,
): Promise<void> {
  await store.putStream(keys.reportTable(tenant, job.id), Readable.from(encodeTable(rows)));
}

/** Encode rows as Parquet, a piece for each group of rows. */
async function* encodeTable(rows: AsyncIterable<TableRow>): AsyncGenerator<Buffer> {
  const writer = new ByteWriter();
  const take = (): Buffer => {
    const piece = Buffer.from(writer.getBytes());
    writer.index = 0;
    return piece;
  };
  const table = new ParquetWriter({
    writer,
    schema: schemaFromColumnData({ columnData: columnsOf([]) }),
  });
  let group: TableRow[] = [];
  for await (const row of rows) {
    group.push(row);
    if (group.length < groupRows) continue;
    await table.write({ columnData: columnsOf(group), rowGroupSize: groupRows });
    group = [];
    yield take();
  }
  // Also of no rows: it then says the columns alone.
  await table.write({ columnData: columnsOf(group), rowGroupSize: groupRows });
  await table.finish();
  yield take();
}

const columnsOf = (rows: readonly TableRow[]): ColumnSource[] =>
  columns.map(([name, type, of]) => ({ name, type, nullable: true, data: rows.map(of) }));
