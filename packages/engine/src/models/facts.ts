import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { DescribedOutput } from '../graph/scores-output.js';

/** Facts read from a model's own files; null where the files do not state them. */
export type ModelFacts = {
  readonly format: ModelBundle['format'];
  /** The file that the runtime opens. */
  readonly model: string;
  /** Every file that it needs, itself included. */
  readonly files: readonly string[];
  readonly layout: ModelBundle['input']['layout'] | null;
  readonly height: number | null;
  readonly width: number | null;
  readonly outputs: readonly DescribedOutput[];
};
/** Reads the facts of one format. @param file The model's file in `folder`. */
export type ReadFacts = (folder: string, file: string) => Promise<ModelFacts>;
