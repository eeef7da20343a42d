/** An event as a client has it. */
export type Heard = { readonly id: string; readonly name: string; readonly data: unknown };

/** Follow a stream of server-sent events until it ends, or until it is told to stop. */
export async function* followEvents(
  url: string,
  { lastId, signal }: { readonly lastId?: string; readonly signal?: AbortSignal } = {},
): AsyncGenerator<Heard> {
  const response = await fetch(url, {
    headers: lastId === undefined ? {} : { 'last-event-id': lastId },
    ...(signal === undefined ? {} : { signal }),
  });
  if (response.status !== 200) throw new Error(`events: ${response.status}`);
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const block = text.slice(0, end);
      text = text.slice(end + 2);
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
      if (field('data') === '') continue;
      yield { id: field('id'), name: field('event'), data: JSON.parse(field('data')) };
    }
  }
}
