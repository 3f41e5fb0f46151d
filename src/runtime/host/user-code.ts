/**
 * What a configuration may not do to a process of mill's that evaluates it: print among mill's results, end it, or make
 * it deaf to signals. It sees none of the variables by which a run marks its processes, as the run's worker does not.
 * A script that uses mill as a library keeps its process as it is: its own code runs meanwhile.
 */

import { mayBeTerminal } from "./standard-streams.ts"

const printing = ["debug", "dir", "info", "log", "table"] as const
const signals = ["SIGINT", "SIGTERM"] as const
const strays = ["uncaughtException", "unhandledRejection"] as const
const marks = ["MILL_RUN_ID", "MILL_SPAWN_ID", "MILL_RUN_DEPTH"] as const

/** Whether the process is mill's, and not a script's that uses mill as a library. */
let own = false

/** Says that it is. */
export const claimProcess = (): void => {
  own = true
}

/** Standard error in the place of standard output; not looked at before it is used, since Bun takes its time for it. */
const stderrInstead = new Proxy(
  {},
  {
    get: (_, name) => {
      const value: unknown = Reflect.get(process.stderr, name)
      return typeof value === "function" ? value.bind(process.stderr) : value
    },
    has: (_, name) => Reflect.has(process.stderr, name),
  },
)

const stderrConsole = () => new console.Console(process.stderr)

/**
 * What is printed meanwhile goes to standard error; gives what ends that. Where standard output is no terminal, mill
 * itself does without `process.stdout`, which then stays as it is: what is printed late goes to standard error too.
 */
const quiet = () => {
  const stdout = mayBeTerminal(1) ? process.stdout : stderrInstead
  const saved = printing.map((name) => [name, console[name]] as const)
  let toStderr: ReturnType<typeof stderrConsole> | undefined
  for (const name of printing) {
    const print = (...values: ReadonlyArray<unknown>) => {
      const target = (toStderr ??= stderrConsole())
      Reflect.apply(target[name], target, values)
    }
    Object.assign(console, { [name]: print })
  }
  Object.assign(process, { stdout: stderrInstead })
  return () => {
    Object.assign(process, { stdout })
    for (const [name, method] of saved) Object.assign(console, { [name]: method })
  }
}

/** A signal ends the process at once, since code that never pauses would keep it from being heard. */
const mortal = () => {
  const saved = signals.map((name) => [name, process.listeners(name)] as const)
  for (const name of signals) process.removeAllListeners(name)
  return () => {
    for (const [name, listeners] of saved) for (const listener of listeners) process.on(name, listener)
  }
}

const unmarked = () => {
  const saved = marks.flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  for (const name of marks) delete process.env[name]
  return () => {
    for (const [name, value] of saved) process.env[name] = value
  }
}

/**
 * Evaluates the module at `path`. In a process of mill's it rejects also when something of it fails that nothing waits
 * for. When `signal` says that nobody waits any more, the process is itself again at once.
 */
export const evaluateModule = async (path: string, signal: AbortSignal): Promise<unknown> => {
  if (!own) return import(path)
  const { exit } = process
  const failed = Promise.withResolvers<never>()
  // It may fail when nobody waits for it any more.
  failed.promise.catch(() => undefined)
  const fail = (error: unknown) => failed.reject(error)
  for (const name of strays) process.on(name, fail)
  process.exit = (code) => {
    const error = new Error(`it ends the process (process.exit(${code ?? ""}))`)
    fail(error)
    throw error
  }
  const ends = [
    quiet(),
    mortal(),
    unmarked(),
    () => {
      process.exit = exit
      for (const name of strays) process.off(name, fail)
    },
  ]
  const release = () => {
    for (const end of ends.splice(0)) end()
  }
  signal.addEventListener("abort", release)
  try {
    return await Promise.race([import(path), failed.promise])
  } finally {
    release()
  }
}
