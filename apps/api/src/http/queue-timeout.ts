/** Timeout for a queue command within a request; BullMQ itself retries while Redis is down. */
const queueTimeoutMs = 1_500;

/** Settle as a queue command does, or reject after the timeout; the command may take effect later. */
export async function withinQueueTimeout<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('Timed out')), queueTimeoutMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
