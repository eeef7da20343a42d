import { eventChannel, parsePublished } from '@umbra/platform/redis/job-event-log';
import type { JobEvent } from '@umbra/shared/contracts/event';
import type { Redis } from 'ioredis';

export type Listener = {
  event(event: JobEvent): void;
  /** Events may have been missed: read them again. */
  lost(): void;
  /** Time to show that the connection lives. */
  beat(): void;
  /** The process ends. */
  end(): void;
};

/** All that this process hears of jobs, over one connection, however many clients follow them. */
export type EventHub = {
  /**
   * Hear a job's events. Once this has resolved, none is missed.
   *
   * @returns A function that stops it.
   */
  follow(tenant: string, jobId: string, listener: Listener): Promise<() => void>;
  close(): void;
};

const heartbeatMs = 15_000;

/** @param subscriber A connection of its own, since it can do nothing else. */
export function createEventHub(subscriber: Redis): EventHub {
  const channels = new Map<string, { listeners: Set<Listener>; ready: Promise<unknown> }>();
  const all = (): Listener[] => [...channels.values()].flatMap(({ listeners }) => [...listeners]);
  let wasLost = false;
  subscriber.on('message', (channel, message) => {
    const event = parsePublished(message);
    for (const listener of channels.get(channel)?.listeners ?? []) listener.event(event);
  });
  subscriber.on('close', () => {
    wasLost = true;
  });
  // It subscribes again by itself, before it is ready.
  subscriber.on('ready', () => {
    if (wasLost) for (const listener of all()) listener.lost();
    wasLost = false;
  });
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
        // Commands keep their order: who comes next subscribes after this.
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
