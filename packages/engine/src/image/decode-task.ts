import type { Size } from '@umbra/shared/occlusion/grid';
import type { Region, ResizeOptions, Sharp } from 'sharp';
import {
  type ImageInfo,
  type ImageLimits,
  inspectImage,
  openRgb,
  type Pixels,
  readSize,
  toRgb,
  toWebp,
} from './decode.js';

/** What pixels are made of a photo. */
export type PhotoCut = {
  /** The part of the upright photo that is resized; all of it if left out. */
  readonly part?: Region | undefined;
  readonly resize: ResizeOptions;
  readonly extract?: Region;
};

/** What is asked of a photo's file. It may go to another process, so it is data alone. */
export type DecodeTask = { readonly limits: ImageLimits } & (
  | { readonly kind: 'inspect' }
  | { readonly kind: 'size' }
  | ({ readonly kind: 'pixels' } & PhotoCut)
  | { readonly kind: 'photo'; readonly within: Size; readonly part?: Region | undefined }
);

export type Decoded<K extends DecodeTask['kind']> = {
  readonly inspect: ImageInfo;
  readonly size: Pick<ImageInfo, 'height' | 'width'>;
  readonly pixels: Pixels;
  readonly photo: Buffer;
}[K];

/** Decode in this process. @throws {AppError} `invalid_input` as `inspectImage`. */
export function decodeHere(bytes: Buffer, task: DecodeTask): Promise<Decoded<DecodeTask['kind']>> {
  const { limits } = task;
  switch (task.kind) {
    case 'inspect':
      return inspectImage(bytes, limits);
    case 'size':
      return readSize(bytes, limits);
    case 'pixels': {
      const resized = openPart(bytes, limits, task.part).resize(task.resize);
      return toRgb(task.extract === undefined ? resized : resized.extract(task.extract));
    }
    case 'photo':
      return toWebp(
        openPart(bytes, limits, task.part).resize({
          ...task.within,
          fit: 'inside',
          withoutEnlargement: true,
        }),
      );
  }
}

function openPart(bytes: Buffer, limits: ImageLimits, part: Region | undefined): Sharp {
  const upright = openRgb(bytes, limits);
  return part === undefined ? upright : upright.extract(part);
}
