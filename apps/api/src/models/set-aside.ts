import { describeSetAside, type LossLedger } from '@umbra/platform/redis/losses';
import type { SetAside } from '@umbra/shared/contracts/model';
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
): Promise<ReadonlyMap<string, SetAside>> => asked(losses.listSetAside()).catch(() => new Map());

/** Run a model again. @returns Whether it was set aside. @throws {AppError} `unavailable` while Redis is down */
export const liftSetAside = (losses: Pick<LossLedger, 'lift'>, digest: string): Promise<boolean> =>
  asked(losses.lift(digest));

/** Wait for an answer of Redis. */
async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await withinQueueTimeout(answer);
  } catch (error) {
    throw unavailable('The queue (Redis) cannot be reached', error);
  }
}
