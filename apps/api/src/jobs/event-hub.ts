import {
  bandChannel,
  eventChannel,
  type PublishedBand,
  parseBand,
  parsePublished,
  stateChannel,
} from '@umbra/platform/redis/job-event-log';
import type { JobEvent } from '@umbra/shared/contracts/event';
import type { Redis } from 'ioredis';

export type EventListener = {
  event(event: JobEvent): void;
  /** Called for each band of scores; a listener without it gets none. */
  band?(band: PublishedBand): void;
  /** Called after a lost connection, when events may have been missed: read them again. */
  lost(): void;
  /** Called at each heartbeat, to keep the client's connection alive. */
  beat(): void;
  /** Called when the process ends. */
  end(): void;
};

/** Distributes the events of jobs to this process's listeners, over one connection to Redis. */
export type EventHub = {
  /**
   * Subscribe to a job's events. Once this has resolved, none is missed.
   *
   * @returns A function that unsubscribes.
   */
  follow(tenant: string, jobId: string, listener: EventListener): Promise<() => void>;
  close(): void;
};

type Channel = {
  readonly listeners: Set<EventListener>;
  readonly ready: Promise<unknown>;
  readonly hear: (message: string) => void;
};

const heartbeatMs = 15_000;

/** Parsed once for all listeners. */
function tellEvent(message: string, listeners: ReadonlySet<EventListener>): void {
  const event = parsePublished(message);
  for (const listener of listeners) listener.event(event);
}

function tellBand(message: string, listeners: ReadonlySet<EventListener>): void {
  const band = parseBand(message);
  for (const listener of listeners) listener.band?.(band);
}

/**
 * @param subscriber A connection of its own, since one that subscribes can do nothing else.
 * @param changed Hears of each job whose state changed, before its listeners do.
 */
export function createEventHub(
  subscriber: Redis,
  changed: (tenant: string, jobId: string) => void,
): EventHub {
  /** Bounded by the listeners: a channel without one is removed. */
  const channels = new Map<string, Channel>();
  const all = (): ReadonlySet<EventListener> =>
    new Set([...channels.values()].flatMap(({ listeners }) => [...listeners]));
  let wasLost = false;
  subscriber.on('message', (channel, message) => {
    if (channel === stateChannel) {
      const [tenant = '', jobId = ''] = message.split(' ');
      return changed(tenant, jobId);
    }
    // The last listener may have left while the message was on its way.
    channels.get(channel)?.hear(message);
  });
  subscriber.on('close', () => {
    wasLost = true;
  });
  // ioredis subscribes again by itself, before it is ready.
  subscriber.on('ready', () => {
    if (wasLost) for (const listener of all()) listener.lost();
    wasLost = false;
  });
  // Where the first try fails, Redis is away, and the next connection tries again.
  const listen = (): void => void subscriber.subscribe(stateChannel).catch(() => undefined);
  subscriber.on('ready', listen);
  if (subscriber.status === 'ready') listen();
  const heartbeat = setInterval(() => {
    for (const listener of all()) listener.beat();
  }, heartbeatMs);
  heartbeat.unref();

  /** @param tell Tells each listener of a message. */
  const join = async (
    channel: string,
    listener: EventListener,
    tell: (message: string, listeners: ReadonlySet<EventListener>) => void,
  ): Promise<() => void> => {
    let joined = channels.get(channel);
    if (joined === undefined) {
      const own = new Set<EventListener>();
      joined = {
        listeners: own,
        ready: subscriber.subscribe(channel),
        hear: (message) => tell(message, own),
      };
      channels.set(channel, joined);
    }
    const { listeners, ready } = joined;
    listeners.add(listener);
    const stop = () => {
      if (!listeners.delete(listener) || listeners.size > 0) return;
      // Commands keep their order: the next listener subscribes after this.
      if (channels.get(channel)?.listeners === listeners) channels.delete(channel);
      subscriber.unsubscribe(channel).catch(() => undefined);
    };
    try {
      await ready;
    } catch (error) {
      stop();
      throw error;
    }
    return stop;
  };

  return {
    async follow(tenant, jobId, listener) {
      const leave = await join(eventChannel(tenant, jobId), listener, tellEvent);
      if (listener.band === undefined) return leave;
      try {
        const leaveBands = await join(bandChannel(tenant, jobId), listener, tellBand);
        return () => {
          leave();
          leaveBands();
        };
      } catch (error) {
        leave();
        throw error;
      }
    },
    close() {
      clearInterval(heartbeat);
      for (const listener of all()) listener.end();
      subscriber.disconnect();
    },
  };
}
