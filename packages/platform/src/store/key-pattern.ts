/**
 * A key with its fields in braces: `{name}` is one segment or part of one, `{name#}` a decimal number
 * and `{name*}` a path of one or more segments.
 */
type FieldOf<T extends string> = T extends `${string}{${infer F}}${infer Rest}`
  ? (F extends `${infer Name}${'#' | '*'}` ? Name : F) | FieldOf<Rest>
  : never;

/** The fields of a key's pattern, as they are written in the key. */
export type KeyFields<T extends string> = Readonly<Record<FieldOf<T>, string>>;

export type KeyPattern<T extends string> = {
  build(fields: KeyFields<T>): string;
  /** @returns The fields; null unless the whole key has this layout. */
  match(key: string): KeyFields<T> | null;
};

const matchers = { '': '[^/]+', '#': '\\d+', '*': '.+' } as const;

/** Compile a pattern into its builder and its parser. */
export function keyPattern<const T extends string>(template: T): KeyPattern<T> {
  const fields: string[] = [];
  const literals: string[] = [];
  let expression = '';
  let start = 0;
  for (const found of template.matchAll(/\{(\w+)([#*]?)\}/g)) {
    const [whole, name = '', kind = ''] = found;
    const literal = template.slice(start, found.index);
    fields.push(name);
    literals.push(literal);
    expression += `${escapeRegex(literal)}(?<${name}>${matchers[kind as keyof typeof matchers]})`;
    start = found.index + whole.length;
  }
  const end = template.slice(start);
  const regex = new RegExp(`^${expression}${escapeRegex(end)}$`, 's');
  return {
    build(values) {
      const given: Readonly<Record<string, string>> = values;
      return `${fields.map((name, index) => `${literals[index]}${given[name]}`).join('')}${end}`;
    },
    match(key) {
      const found = regex.exec(key);
      return found === null ? null : ({ ...found.groups } as KeyFields<T>);
    },
  };
}

const escapeRegex = (literal: string): string => literal.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
