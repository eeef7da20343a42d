import { createHash } from 'node:crypto';
import type { DatasetItem } from '../contracts/dataset.js';
import { type OcclusionSettings, patchesOf } from '../contracts/settings.js';
import { canonicalJson } from './canonical-json.js';

/** Raised whenever the same work gives other numbers than before, so that old rows are not found. */
const addressVersion = 1;
/** As `addressVersion`, for a class by name: version 1 took the first whose name was the same in any case. */
const namedClassVersion = 2;

export type AddressedWork = {
  readonly item: Pick<DatasetItem, 'sha256' | 'label' | 'box'>;
  readonly model: { readonly digest: string };
  readonly settings: OcclusionSettings;
};

/**
 * Name an image's scores by all that they depend on: equal work has equal addresses, in any job.
 *
 * The photo's name, its dataset, and settings that only guard others (`allowGaps`) or stand for them
 * (`preset`) are left out. `strategy` is what was asked for: it changes scores by roundings alone, but
 * whoever asks for one by name means to see that one's.
 *
 * @returns sha256, 64 hexadecimal digits.
 */
export function addressOf({ item, model, settings }: AddressedWork): string {
  const { stride, edge, fill, score, strategy, refine, faithfulness } = settings;
  const target = targetOf(settings.target, item.label);
  const work = {
    version: 'name' in target ? namedClassVersion : addressVersion,
    image: item.sha256,
    model: model.digest,
    patches: patchesOf(settings),
    target,
    box: faithfulness === null ? null : (item.box ?? null),
    stride,
    edge,
    fill,
    score,
    strategy,
    refine,
    faithfulness,
  };
  return createHash('sha256').update(canonicalJson(work)).digest('hex');
}

/** An image's label is a class like any other; without one, what to watch is the image's failure. */
function targetOf(target: OcclusionSettings['target'], label: DatasetItem['label']) {
  if (target.kind !== 'label' || label === undefined) return target;
  return { kind: 'class', ...(typeof label === 'number' ? { index: label } : { name: label }) };
}
