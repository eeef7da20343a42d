export { clearJournal } from './clear.js';
export { figuresOf } from './figures.js';
export { createIntake, type Intake, type IntakeOptions, type Tally } from './intake.js';
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
export { sealDataset } from './seal.js';
export type { Sink } from './sink.js';
export { unpackTar } from './tar.js';
export { unpackZip, type ZipOptions, type ZipPlace } from './zip.js';
