/** What answers the page: the service, or the file that an offline page is. */
export type AnswerSource = {
  /** Ids of the images that it has, in order; null for the service, which has all of a job. */
  readonly images: readonly string[] | null;
  /** As `fetch`. */
  answer(path: string, init: RequestInit): Promise<Response>;
  /** Whether it may have an answer. */
  has(path: string): boolean;
  /** Address of a picture for an `img`; null where it has none. */
  addressOf(path: string): string | null;
};

const service: AnswerSource = {
  images: null,
  answer: (path, init) => fetch(path, init),
  has: () => true,
  addressOf: (path) => path,
};

let current = service;

/** Have something other than the service answer from now on, before anything is asked. */
export function answerFrom(source: AnswerSource): void {
  current = source;
}

export const answer: AnswerSource['answer'] = (path, init) => current.answer(path, init);
export const has: AnswerSource['has'] = (path) => current.has(path);
export const addressOf: AnswerSource['addressOf'] = (path) => current.addressOf(path);

/** Whether a service answers, which can be asked to do something, too. */
export const isService = (): boolean => current === service;

/** Ids of the images that are kept, in order; null where all of a job are there. */
export const keptImages = (): readonly string[] | null => current.images;
