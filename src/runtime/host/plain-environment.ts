/**
 * Loaded before anything else where the executable mill passes for Bun: takes the mark that has it do so out of the
 * environment, before a child takes it on, which may be a compiled program of somebody else's.
 *
 * Bun's own ways to start something hand on the environment in which the process was started, whatever has become of
 * `process.env`: unless told otherwise, they get it now.
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

/** A thread starts with an environment and with functions of its own. */
globalThis.Worker = class extends Worker {
  constructor(url: string | URL, options: WorkerOptions = {}) {
    const preload = [import.meta.path, ...[options.preload ?? []].flat().map(String)]
    super(url, { ...options, preload, env: options.env ?? (process.env as Record<string, string>) })
  }
}
