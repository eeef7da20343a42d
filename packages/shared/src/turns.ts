import { unavailable } from './errors.js';

export type TurnsOptions = {
  /** What is shared, as metrics and refusals name it. */
  readonly name: string;
  /** Weight of all turns held at once: a number of places, or bytes. */
  readonly capacity: number;
  /** Weight that one tenant may hold; all but one place where undefined, and the only place where there is one. */
  readonly maxByOne?: number;
  /** Requests that may wait; beyond it the last one of the tenant with most of them is refused. */
  readonly maxWaiting: number;
  /** Limit for a wait, ms. */
  readonly maxWaitMs: number;
  /** Clock, ms. */
  readonly now: () => number;
};

/** Who asks for a turn. */
export type TurnRequest = {
  readonly tenant: string;
  /** Aborted when nobody waits for the work any more. */
  readonly signal: AbortSignal;
  /** What the turn takes of the capacity; a turn above a tenant's share takes the share. */
  readonly weight?: number;
};

/**
 * A scarce thing that tenants share in turns.
 *
 * Every wait ends: with a turn, with its signal, or with `unavailable`. No tenant holds all places or fills
 * the queue, and waiting tenants take turns, whatever the number of their requests.
 */
export type Turns = {
  readonly name: string;
  /**
   * Take a turn. @returns A function that gives it back, and may be called again.
   *
   * @throws {AppError} `unavailable` beyond the queue's length, or its time.
   * @throws The signal's reason; a turn is never given to a request that ended.
   */
  take(request: TurnRequest): Promise<() => void>;
  /** Run work in a turn, which ends with it. @throws As `take` and the work do. */
  run<T>(request: TurnRequest, work: () => Promise<T>): Promise<T>;
  /** Note that a holder moved on, as by bytes that arrived. */
  moved(): void;
  held(): number;
  /** Weight that one tenant holds. */
  heldBy(tenant: string): number;
  waiting(): number;
  /** Time since a request found no place while none came free and no holder moved, ms; 0 where none did. */
  stalledMs(): number;
};

type Waiter = { readonly weight: number; readonly grant: () => void; readonly refuse: () => void };

export function createTurns(options: TurnsOptions): Turns {
  const { name, capacity, maxByOne = Math.max(1, capacity - 1), maxWaiting, now } = options;
  /** Weights held by tenant; an entry lives as long as its turns. */
  const holdings = new Map<string, number>();
  /** Queues by tenant, the one whose turn is next first; no queue is empty. */
  const queues = new Map<string, Waiter[]>();
  let held = 0;
  let blockedSince: number | null = null;

  const moved = (): void => {
    blockedSince = null;
  };
  const waiting = (): number => {
    let count = 0;
    for (const queue of queues.values()) count += queue.length;
    return count;
  };
  const hold = (tenant: string, weight: number): void => {
    held += weight;
    const holding = (holdings.get(tenant) ?? 0) + weight;
    if (holding === 0) holdings.delete(tenant);
    else holdings.set(tenant, holding);
    moved();
  };
  const remove = (tenant: string, waiter: Waiter): void => {
    const left = queues.get(tenant)?.filter((one) => one !== waiter) ?? [];
    if (left.length > 0) queues.set(tenant, left);
    else queues.delete(tenant);
  };
  /** Find whose turn it is. A heavy turn is not overtaken by light ones while it waits for room. */
  const findNext = (): [string, Waiter] | undefined => {
    for (const [tenant, [first]] of queues) {
      if (first === undefined || (holdings.get(tenant) ?? 0) + first.weight > maxByOne) continue;
      return held + first.weight > capacity ? undefined : [tenant, first];
    }
    return undefined;
  };
  const grantAll = (): void => {
    for (let next = findNext(); next !== undefined; next = findNext()) {
      const [tenant, waiter] = next;
      remove(tenant, waiter);
      const rest = queues.get(tenant);
      queues.delete(tenant);
      if (rest !== undefined) queues.set(tenant, rest);
      hold(tenant, waiter.weight);
      waiter.grant();
    }
    if (queues.size > 0) blockedSince ??= now();
  };
  const refuseBeyond = (newest: string): void => {
    if (waiting() <= maxWaiting) return;
    let longest = queues.get(newest) ?? [];
    for (const queue of queues.values()) if (queue.length > longest.length) longest = queue;
    longest.at(-1)?.refuse();
  };
  const wait = ({ tenant, signal }: TurnRequest, weight: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abandon);
        remove(tenant, waiter);
      };
      const fail = (error: unknown) => {
        leave();
        reject(error);
        // The one who left may have held up others.
        grantAll();
      };
      const refuse = () =>
        fail(unavailable(`Too many requests share what this one needs (${name}): ask again later`));
      const abandon = () => fail(signal.reason);
      const waiter: Waiter = {
        weight,
        refuse,
        grant: () => {
          leave();
          resolve();
        },
      };
      const timer = setTimeout(refuse, options.maxWaitMs);
      signal.addEventListener('abort', abandon, { once: true });
      queues.set(tenant, [...(queues.get(tenant) ?? []), waiter]);
      grantAll();
      refuseBeyond(tenant);
    });

  const take: Turns['take'] = async (request) => {
    const { tenant, signal } = request;
    signal.throwIfAborted();
    const weight = Math.min(request.weight ?? 1, maxByOne);
    await wait(request, weight);
    let isHeld = true;
    const giveBack = (): void => {
      if (!isHeld) return;
      isHeld = false;
      hold(tenant, -weight);
      grantAll();
    };
    if (!signal.aborted) return giveBack;
    // It ended between the grant and now.
    giveBack();
    throw signal.reason;
  };
  return {
    name,
    take,
    async run(request, work) {
      const giveBack = await take(request);
      try {
        return await work();
      } finally {
        giveBack();
      }
    },
    moved,
    held: () => held,
    heldBy: (tenant) => holdings.get(tenant) ?? 0,
    waiting,
    stalledMs: () => (blockedSince === null ? 0 : now() - blockedSince),
  };
}
