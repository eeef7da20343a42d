/** Words of 32 bits of a digest that tell it from others: 128 bits. */
const words = 4;

/**
 * A set of digests in 16 bytes each and the table's slack: a million take 32 MiB, where a `Set` of
 * strings takes ten times as much.
 */
export type DigestSet = {
  /**
   * @param digest At least 16 evenly spread bytes.
   * @returns Whether it was not there yet.
   */
  add(digest: Buffer): boolean;
};

export function createDigestSet(): DigestSet {
  let table = new Uint32Array(words * 1024);
  let used = 0;

  const place = (into: Uint32Array, digest: Uint32Array): boolean => {
    const slots = into.length / words;
    for (let slot = (digest[0] as number) % slots; ; slot = (slot + 1) % slots) {
      const at = slot * words;
      let isEmpty = true;
      let isSame = true;
      for (let word = 0; word < words; word++) {
        if (into[at + word] !== 0) isEmpty = false;
        if (into[at + word] !== digest[word]) isSame = false;
      }
      if (isSame) return false;
      if (!isEmpty) continue;
      into.set(digest, at);
      return true;
    }
  };

  const grow = (): void => {
    const larger = new Uint32Array(table.length * 2);
    for (let at = 0; at < table.length; at += words) {
      const digest = table.subarray(at, at + words);
      if (digest.some((word) => word !== 0)) place(larger, digest);
    }
    table = larger;
  };

  return {
    add(digest) {
      const key = Uint32Array.from({ length: words }, (_, word) => digest.readUInt32LE(word * 4));
      // All zeros mark an empty slot.
      if (key.every((word) => word === 0)) key[0] = 1;
      if (!place(table, key)) return false;
      used += 1;
      if (used * words * 2 > table.length) grow();
      return true;
    },
  };
}
