import {
  describeSetAside,
  type LossLedger,
  type SetAsideModel,
} from '@umbra/platform/redis/losses';
import { AppError, unavailable } from '@umbra/shared/errors';
import { withinQueueTimeout } from '../http/queue-timeout.js';

/** Refuse a model at whose images processes ended. @throws {AppError} `conflict`; `unavailable` while Redis is down */
export async function assertNotSetAside(
  losses: Pick<LossLedger, 'findSetAside'>,
  { name, digest }: { readonly name: string; readonly digest: string },
): Promise<void> {
  const aside = await asked(losses.findSetAside(digest));
  if (aside !== null) throw new AppError('conflict', describeSetAside(name, aside));
}

/** Read which models are set aside, by digest: none while Redis is down, when no model is run. */
export const readSetAside = (
  losses: Pick<LossLedger, 'listSetAside'>,
): Promise<ReadonlyMap<string, SetAsideModel>> =>
  asked(losses.listSetAside()).catch(() => new Map());

/** Run models again, as `LossLedger.lift`. @returns The digests of those that were set aside. @throws {AppError} `unavailable` while Redis is down */
export const liftSetAside = (
  losses: Pick<LossLedger, 'lift'>,
  digests: readonly string[],
  name?: string,
): Promise<string[]> => asked(losses.lift(digests, name));

/** Wait for an answer of Redis. */
async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await withinQueueTimeout(answer);
  } catch (error) {
    throw unavailable('The queue (Redis) cannot be reached', error);
  }
}
