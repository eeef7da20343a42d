/**
 * Variables that Node.js, and the libraries that run networks and draw pictures, are told by. Nothing else is handed
 * on, as keys of a store or of Redis. It is no wall: a process of the same user can still read what its parent was
 * started with, under /proc.
 */
const names: ReadonlySet<string> = new Set([
  ...['PATH', 'HOME', 'TMPDIR', 'LANG', 'LC_ALL', 'TZ', 'LD_LIBRARY_PATH', 'LD_PRELOAD'],
  ...['NODE_ENV', 'NODE_OPTIONS', 'NODE_V8_COVERAGE', 'UV_THREADPOOL_SIZE', 'MALLOC_ARENA_MAX'],
  ...['FONTCONFIG_PATH', 'FONTCONFIG_FILE', 'XDG_CACHE_HOME'],
]);
const families = /^(CUDA|CUDNN|NVIDIA|OMP|TF|VIPS)_/;

/** The environment of a process that runs a model which somebody sent. */
export const modelEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => names.has(name) || families.test(name)),
  );
