import { eventChannel, parsePublished, stateChannel } from '@umbra/platform/redis/job-event-log';
import type { JobEvent } from '@umbra/shared/contracts/event';
import type { Redis } from 'ioredis';

export type EventListener = {
  event(event: JobEvent): void;
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

const heartbeatMs = 15_000;

/**
 * @param subscriber A connection of its own, since one that subscribes can do nothing else.
 * @param changed Hears of each job whose state changed, before its listeners do.
 */
export function createEventHub(
  subscriber: Redis,
  changed: (tenant: string, jobId: string) => void,
): EventHub {
  /** Bounded by the listeners: a channel without one is removed. */
  const channels = new Map<string, { listeners: Set<EventListener>; ready: Promise<unknown> }>();
  const all = (): EventListener[] =>
    [...channels.values()].flatMap(({ listeners }) => [...listeners]);
  let wasLost = false;
  subscriber.on('message', (channel, message) => {
    if (channel === stateChannel) {
      const [tenant = '', jobId = ''] = message.split(' ');
      return changed(tenant, jobId);
    }
    const event = parsePublished(message);
    const channelListeners = channels.get(channel)?.listeners;
    // The last listener may have left while the message was on its way.
    if (channelListeners === undefined) return;
    for (const listener of channelListeners) listener.event(event);
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

  return {
    async follow(tenant, jobId, listener) {
      const channel = eventChannel(tenant, jobId);
      let followed = channels.get(channel);
      if (followed === undefined) {
        followed = { listeners: new Set(), ready: subscriber.subscribe(channel) };
        channels.set(channel, followed);
      }
      const { listeners, ready } = followed;
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
    },
    close() {
      clearInterval(heartbeat);
      for (const listener of all()) listener.end();
      subscriber.disconnect();
    },
  };
}
