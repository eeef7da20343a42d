import { randomBytes } from 'node:crypto';

const alphabet = '0123456789abcdefghijklmnopqrstuv';

/** 20 characters of 5 random bits each: 100 bits, safe in keys, URLs and queue ids. */
function randomId(): string {
  return Array.from(randomBytes(20), (byte) => alphabet[byte & 31]).join('');
}

export const newDatasetId = (): string => `ds_${randomId()}`;
export const newJobId = (): string => `job_${randomId()}`;
export const newTrialId = (): string => `trial_${randomId()}`;
export const imageIdAt = (index: number): string => `img_${String(index).padStart(8, '0')}`;
/** The inverse of `imageIdAt`. */
export const imageIndexOf = (id: string): number => Number(id.slice('img_'.length));
