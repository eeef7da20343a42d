import { Readable } from 'node:stream';
import { putJson } from '@umbra/platform/store/json';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { putRowSegment } from '@umbra/platform/store/row-segments';
import { newJobDefaults } from '@umbra/shared/contracts/job';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { imageIdAt, newDatasetId, newJobId } from '@umbra/shared/ids';
import { stubRow } from './stub-row.mjs';

/** As the dispatcher writes them. */
const rowsPerSegment = 4_096;

/**
 * Writes an ended job of so many images as the service does, without their results.
 *
 * @param {import('@umbra/platform/store/store').ObjectStore} store
 * @param {number} rows
 * @param {(message: string) => void} report
 */
export async function writeJob(store, rows, report) {
  const [id, dataset] = [newJobId(), newDatasetId()];
  const at = new Date().toISOString();
  const sha256 = 'a'.repeat(64);
  const manifest = function* () {
    for (let index = 0; index < rows; index += 1) {
      const name = `photos/class-${index % 1000}/photo-${String((index * 7919) % rows).padStart(7, '0')}.jpg`;
      const facts = { bytes: 50_000, width: 500, height: 375, label: `class ${index % 1000}` };
      yield `${JSON.stringify({ version: 1, id: imageIdAt(index), name, sha256, ...facts })}\n`;
    }
  };
  await store.putStream(keys.manifest(defaultTenant, dataset), Readable.from(manifest()));
  for (let start = 0; start < rows; start += rowsPerSegment) {
    const count = Math.min(rowsPerSegment, rows - start);
    const lines = Array.from({ length: count }, (_, at) =>
      JSON.stringify(stubRow(imageIdAt(start + at), 1)),
    );
    await putRowSegment(store, { tenant: defaultTenant, id }, lines);
  }
  await putJson(store, keys.job(defaultTenant, id), {
    ...newJobDefaults,
    ...{ id, dataset, model: { name: 'stub', digest: sha256 } },
    settings: occlusionSettings.parse({}),
    counts: { total: rows, completed: rows, failed: 0 },
    ...{ state: 'completed', createdAt: at, startedAt: at, completedAt: at },
  });
  report(`${rows} rows written`);
  return id;
}
