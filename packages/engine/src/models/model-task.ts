import type { Tiling } from '@umbra/shared/contracts/layer';
import type { ErrorReport } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';
import type { FigurePage } from '../figures/tiles.js';
import type { EngineOptions } from '../types.js';
import type { StagedModel } from './bundle.js';
import type { CheckStep } from './check-steps.js';
import type { ModelClaims } from './describe.js';

/** What is tried of a bundle's folder. It goes to another process as JSON, so it is data alone. */
export type ModelTask = { readonly folder: string } & (
  | { readonly kind: 'check' }
  | { readonly kind: 'open'; readonly options: EngineOptions }
  /** Takes a model's file in the folder, with nothing beside it. */
  | { readonly kind: 'describe'; readonly file: string; readonly claims: ModelClaims }
  /** Waits for the input's tensor, a message of its own: it is too long for an argument. */
  | ({ readonly kind: 'activations'; readonly size: Size } & ActivationsView)
);

/** Which activations are drawn. */
export type ActivationsView = {
  /** Name of the layer, as `findLayer` takes it. */
  readonly layer: string;
  /** Name of the photo, for the heading. */
  readonly photo: string;
  readonly view: Tiling;
};

/** What that process says: that it runs, each step of a check, and how the task ended. */
export type ModelReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'step'; readonly step: CheckStep }
  | {
      readonly kind: 'done';
      readonly figure?: FigurePage | undefined;
      readonly staged?: StagedModel | undefined;
    }
  | { readonly kind: 'failed'; readonly error: ErrorReport };
