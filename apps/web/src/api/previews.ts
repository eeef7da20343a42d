import type { ImageGeometry } from '@umbra/shared/contracts/geometry';
import type { OcclusionSettingsInput } from '@umbra/shared/contracts/settings';
import { askJson, queryOf } from './http.js';

/** A photo of a dataset, and what a job would be asked for. */
export type PreviewOf = {
  readonly dataset: string;
  readonly image: string;
  readonly model: string;
  readonly settings: OcclusionSettingsInput;
};

const pathOf = ({ dataset, image }: PreviewOf): string => `/v1/datasets/${dataset}/images/${image}`;
const queryFor = ({ model, settings }: PreviewOf) => ({
  model,
  settings: JSON.stringify(settings),
});

/** Where the cells of a photo would lie. */
export const readPreview = (of: PreviewOf, signal?: AbortSignal): Promise<ImageGeometry> =>
  askJson(`${pathOf(of)}/geometry${queryOf(queryFor(of))}`, signal && { signal });

/** Address of the model's input, with the patch at a position. */
export const previewInputPath = (
  of: PreviewOf,
  position: { readonly row: number; readonly column: number; readonly grid: number },
): string => `${pathOf(of)}/input.png${queryOf({ ...queryFor(of), ...position })}`;
