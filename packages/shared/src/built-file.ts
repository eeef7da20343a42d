/**
 * Find what a thread or a process runs: a compiled file. Where the caller runs from its source, as under a
 * test runner, it is the one in the build.
 *
 * @param caller The caller's `import.meta.url`.
 * @param name Name of a file beside the caller, without its extension.
 */
export function builtFile(caller: string, name: string): URL {
  const [, root, folder] = /^(.*)\/src\/(.*)$/.exec(caller) ?? [];
  const isSource = caller.endsWith('.ts') && root !== undefined;
  return new URL(`${name}.js`, isSource ? `${root}/dist/${folder}` : caller);
}
