import type { ErrorReport } from '@umbra/shared/errors';
import type { EngineOptions } from '../types.js';
import type { CheckStep } from './check-steps.js';

/** What is tried of a bundle's folder. It goes to another process as JSON, so it is data alone. */
export type ModelTask = { readonly folder: string } & (
  | { readonly kind: 'check' }
  | { readonly kind: 'open'; readonly options: EngineOptions }
);

/** What that process says: that it runs, each step of a check, and how the task ended. */
export type ModelReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'step'; readonly step: CheckStep }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly error: ErrorReport };
