export { clearJournal } from './clear-journal.js';
export { createIntake, type Intake, type IntakeOptions, type Tally } from './dataset-writer.js';
export { sealDataset } from './finalize.js';
export {
  type Checkpoint,
  createJournal,
  type Entry,
  type Journal,
  journalTotals,
  lastCheckpoint,
  newStreamId,
  readJournal,
  type Totals,
} from './journal.js';
export { mapInOrder } from './map-in-order.js';
export { assertName, folderLabel, isPassedOver } from './names.js';
export { offsetOf, partReader, putParts, streamParts } from './parts.js';
export { examine, type Facts, type IntakeLimits, readLimited } from './photo.js';
export type { Sink } from './sink.js';
export { unpackTar } from './tar.js';
export { figuresOf } from './totals.js';
export { unpackZip, type ZipOptions, type ZipPlace } from './zip.js';
