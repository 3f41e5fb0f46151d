/**
 * Preloaded where the executable mill runs as Bun: removes BUN_BE_BUN, which makes it do so, from the environment. A child
 * may be another compiled program, which would run as Bun too.
 *
 * Bun.spawn and Worker hand on the environment that the process started with, not `process.env`: they are wrapped to hand
 * on `process.env`.
 */
delete process.env["BUN_BE_BUN"]

const withEnv = (options: { readonly env?: unknown } = {}) => ({
  ...options,
  env: options.env ?? process.env,
})

for (const name of ["spawn", "spawnSync"] as const) {
  const original = Bun[name]
  const replacement = (first: object, options?: object): unknown =>
    Reflect.apply(original, Bun, Array.isArray(first) ? [first, withEnv(options)] : [withEnv(first)])
  Object.assign(Bun, { [name]: replacement })
}

/** A thread has its own environment and its own globals, so it preloads this module too. */
globalThis.Worker = class extends Worker {
  constructor(url: string | URL, options: WorkerOptions = {}) {
    const preload = [import.meta.path, ...[options.preload ?? []].flat().map(String)]
    super(url, { ...options, preload, env: options.env ?? (process.env as Record<string, string>) })
  }
}
