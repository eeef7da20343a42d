export { checkLabels, type LabelledModel } from './check-labels.js';
export { checkSizes } from './check-sizes.js';
export { clearJournal } from './clear-journal.js';
export { createDatasetMeter, type DatasetMeter, type MeterStart } from './dataset-meter.js';
export {
  createDatasetWriter,
  type DatasetWriter,
  type DatasetWriterOptions,
  type Tally,
} from './dataset-writer.js';
export { deleteDataset, removeDataset } from './delete-dataset.js';
export { finalizeDataset, type JournalContent } from './finalize.js';
export {
  type Checkpoint,
  createJournal,
  type Journal,
  type JournalEntry,
  journalTotals,
  lastCheckpoint,
  newStreamId,
  readJournal,
  type Totals,
} from './journal.js';
export { assertName, folderLabel, isIgnoredFile } from './names.js';
export { offsetOf, partReader, putParts, streamParts } from './parts.js';
export { examine, type Facts, readLimited, type UploadLimits } from './photo.js';
export { findRemains } from './remains/find-remains.js';
export type { Remains, RemainsOptions } from './remains/remains.js';
export type { Sink } from './sink.js';
export { unpackTar } from './tar.js';
export { withTotals } from './totals.js';
export { maxExpansion, type UnpackLimits } from './unpack-limits.js';
export { unpackZip, type ZipPlace } from './zip.js';
