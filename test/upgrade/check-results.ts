import { createHash } from 'node:crypto';
import { keys } from '@umbra/platform/store/keys';
import type { ResultFile } from '@umbra/shared/contracts/result';
import { expect } from 'vitest';
import { readZip } from '../support/read-zip.js';
import type { Expected, ExpectedImage, ExpectedJob } from './open-fixture.js';

export const sha256Of = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** Holds a job to what an undisturbed run of the older version gave. */
export type ResultCheck = {
  /** Hold every file of the job's images: arrays to the bit. */
  expectResults(job: ExpectedJob): Promise<void>;
  /** Hold the job's archive to the files of every image. */
  expectArchive(job: ExpectedJob): Promise<void>;
};

type Found = {
  readonly fixture: Expected;
  /** Whether the older version has left an object with this key. */
  readonly isLeft: (key: string) => boolean;
  /** Get what the service answers to a path below `/v1`. */
  readonly bytesOf: (path: string) => Promise<Buffer>;
};

export function createResultCheck({ fixture, isLeft, bytesOf }: Found): ResultCheck {
  /** An image that the older version had finished keeps its names; any other has those of today. */
  function namedAsNow(id: string, image: string, { files, result }: ExpectedImage): ExpectedImage {
    if (isLeft(keys.result(fixture.tenant, id, image, 'result.json'))) return { files, result };
    const nameOf = (file: string) => file.replace(/^winners/, 'predicted-classes');
    const named = Object.entries(files).map(([file, digest]) => [nameOf(file), digest]);
    return {
      files: Object.fromEntries(named),
      result: { ...result, version: 5, files: result.files.map(nameOf), onRequest: [] },
    };
  }

  return {
    async expectResults({ id, images }) {
      for (const [image, wanted] of Object.entries(images)) {
        const { files, result } = namedAsNow(id, image, wanted);
        const path = `/jobs/${id}/images/${image}`;
        const got = JSON.parse((await bytesOf(`${path}/result.json`)).toString());
        expect(saidBy(got)).toEqual(loosen(saidBy(result)));
        for (const [file, digest] of Object.entries(files)) {
          if (file === 'result.json') continue;
          const bytes = await bytesOf(`${path}/${file}`);
          // Pictures that the older version has not left are drawn anew, as this one draws.
          const key = keys.result(fixture.tenant, id, image, file as ResultFile);
          if (file.endsWith('.npy') || isLeft(key)) {
            expect(sha256Of(bytes), `${path}/${file}`).toBe(digest);
          } else expect(bytes.length, `${path}/${file}`).toBeGreaterThan(100);
        }
      }
    },
    async expectArchive({ id, images }) {
      const files = await readZip(await bytesOf(`/jobs/${id}/archive`));
      // The name of an image's folder ends in its id.
      const found = new Map([...files].map(([path, bytes]) => [path.split('__').at(-1), bytes]));
      for (const [image, wanted] of Object.entries(images)) {
        for (const [file, digest] of Object.entries(namedAsNow(id, image, wanted).files)) {
          const bytes = found.get(`${image}/${file}`) ?? expect.fail(`no ${image}/${file}`);
          if (file.endsWith('.npy')) expect(sha256Of(bytes), file).toBe(digest);
        }
      }
    },
  };
}

/**
 * Leave out how a result was computed, and whether an earlier run did it: both may differ. And what only
 * results from version 5 on say.
 */
function saidBy({ provenance, reused, ...said }: Record<string, unknown>): Record<string, unknown> {
  const { top, isRight, toPhoto, ...before } = said;
  const targets = (said.targets as Record<string, unknown>[]).map(
    ({ borderShare, lowest, ...target }) => {
      const { photoBox, ...place } = lowest as Record<string, unknown>;
      return { ...target, lowest: place };
    },
  );
  return { ...before, targets };
}

/** Let probabilities and the like differ by a rounding between machines. */
function loosen(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? value : expect.closeTo(value, 6);
  if (Array.isArray(value)) return value.map(loosen);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, loosen(one)]));
}
