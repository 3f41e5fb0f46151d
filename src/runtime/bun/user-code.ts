/**
 * What a configuration may not do to a process of mill's that evaluates it: print among mill's results, end it, or make
 * it deaf to signals. It sees none of the variables by which a run marks its processes, as the run's worker does not.
 * A script that uses mill as a library keeps its process as it is: its own code runs meanwhile.
 */

import { mayBeTerminal } from "./standard-streams.ts"

const signals = ["SIGINT", "SIGTERM"] as const
const strays = ["uncaughtException", "unhandledRejection"] as const
const marks = ["MILL_RUN_ID", "MILL_SPAWN_ID", "MILL_RUN_DEPTH"] as const

/** Whether the process is mill's, and not a script's that uses mill as a library. */
let own = false

/** Says that it is. */
export const claimProcess = (): void => {
  own = true
}

/** Standard error has been asked for in the place of standard output, so that something may be on its way to it. */
let printed = false

const stderrInstead = () => {
  printed = true
  return process.stderr
}

/** Calls back when whoever reads standard error has what a configuration has printed, which is then closed. */
export const whenPrinted = (call: () => void): void => {
  if (printed && process.stderr.writable) process.stderr.end(call)
  else call()
}

/** The console's methods, each printing to standard error. It is made when one is used: Bun takes its time for it. */
const redirectConsole = () => {
  let toStderr: Readonly<Record<string, unknown>> | undefined
  for (const [name, method] of Object.entries(console)) {
    if (typeof method !== "function" || name === "Console") continue
    const print = (...values: ReadonlyArray<unknown>): unknown => {
      toStderr ??= { ...new console.Console(stderrInstead()), write: writeInstead }
      const target = toStderr[name]
      return typeof target === "function" ? Reflect.apply(target, toStderr, values) : undefined
    }
    Object.assign(console, { [name]: print })
  }
}

/** Bun's own method, which other consoles do not have. */
const writeInstead = (...values: ReadonlyArray<unknown>) =>
  void values.map((value) => stderrInstead().write(String(value)))

let redirected = false

/**
 * What is printed from now on, also later, goes to standard error; gives what ends that where it ends. Mill itself does
 * without the console, and without `process.stdout` unless that is a terminal, which it gets back.
 */
const quiet = () => {
  if (!redirected) redirectConsole()
  redirected = true
  const stdout = mayBeTerminal(1) ? process.stdout : undefined
  // Assigned first: Bun would make what it is asked to describe, and takes its time for it.
  Object.assign(process, { stdout: undefined })
  Object.defineProperty(process, "stdout", { configurable: true, enumerable: true, get: stderrInstead })
  return () => {
    if (stdout === undefined) return
    Object.defineProperty(process, "stdout", { configurable: true, enumerable: true, value: stdout })
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
