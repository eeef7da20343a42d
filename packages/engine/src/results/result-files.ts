import type { FileKind } from '@umbra/shared/contracts/outputs';
import type { ImageResult, ResultFile } from '@umbra/shared/contracts/result';
import { sizeName } from '@umbra/shared/contracts/settings';
import type { Size } from '@umbra/shared/occlusion/grid';

/** A file of an image's result beside its description: what it shows, of which target or patch size. */
export type FileEntry = { readonly file: ResultFile } & (
  | { readonly kind: 'heatmap' | 'overlay' | 'thumbnail'; readonly target: number }
  | { readonly kind: 'scores' | 'predicted-classes'; readonly grid: number }
  /** The mean of all patch sizes where `grid` is null. */
  | { readonly kind: 'attribution'; readonly grid: number | null }
);

type Run = { readonly targets: number; readonly patches: readonly Size[] };

/**
 * List every file of an image's result but its description: pictures of each target, then arrays of each
 * patch size.
 */
export function listResultFiles({ targets, patches }: Run): FileEntry[] {
  const isOne = patches.length === 1;
  return [
    ...Array.from({ length: targets }, (_, target) => picturesOf(target)).flat(),
    { file: 'attribution.npy', kind: 'attribution', grid: null },
    ...patches.flatMap((patch, grid): FileEntry[] => {
      const name = <T extends FileKind>(kind: T) =>
        (isOne ? `${kind}.npy` : `${kind}-${sizeName(patch)}.npy`) as `${T}.npy`;
      return [
        { file: name('scores'), kind: 'scores', grid },
        { file: name('predicted-classes'), kind: 'predicted-classes', grid },
        ...(isOne ? [] : [{ file: name('attribution'), kind: 'attribution', grid } as const]),
      ];
    }),
  ];
}

const picturesOf = (target: number): FileEntry[] => [
  { file: pictureName('heatmap', target), kind: 'heatmap', target },
  { file: pictureName('overlay', target), kind: 'overlay', target },
  ...(target === 0 ? [{ file: 'thumbnail.webp', kind: 'thumbnail', target } as const] : []),
];

/** Name a target's picture; the first target's have plain names. */
export const pictureName = <T extends 'heatmap' | 'overlay'>(kind: T, target: number) =>
  (target === 0 ? `${kind}.png` : `${kind}-${target + 1}.png`) as `${T}.png`;

/** Name a file as the store has it: predicted classes were `winners` once. */
export function storedName({ files }: Pick<ImageResult, 'files'>, { file }: FileEntry): ResultFile {
  const former = file.replace('predicted-classes', 'winners') as ResultFile;
  return files.includes(former) ? former : file;
}
