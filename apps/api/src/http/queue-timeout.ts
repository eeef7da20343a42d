/** BullMQ waits for a Redis that is away; a request does not. */
const queueTimeoutMs = 1_500;

/** Settle as `work` of a queue does, or reject where that takes too long; the work itself may still be done. */
export async function withinQueueTimeout<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('Timed out')), queueTimeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
