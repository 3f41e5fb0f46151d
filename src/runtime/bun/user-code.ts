/**
 * Evaluates a user's configuration inside one of mill's own processes. The configuration cannot exit the process, make it
 * deaf to signals or mix its output into mill's results. It does not see the variables with which a run marks its
 * processes, because the run's worker, which evaluates it again, does not see them either.
 *
 * In a script that uses mill as a library the process stays untouched: the script's own code runs meanwhile.
 */

import { dirname } from "node:path"
import { runMarks } from "../../domain/run-marks.ts"
import { findMissingPackages, refusePackages } from "./find-packages.ts"
import { mayBeTerminal } from "./standard-streams.ts"

const signals = ["SIGINT", "SIGTERM"] as const
const strays = ["uncaughtException", "unhandledRejection"] as const
const marks = Object.values(runMarks)

/** Whether the process is mill's own, and not a script that uses mill as a library. */
let isOwnProcess = false

export const claimProcess = (): void => {
  isOwnProcess = true
}

/** Keeps imports in a configuration from installing packages. A script's own imports may. */
export const refuseMissingPackages = async (
  sources: ReadonlyArray<{ readonly path: string; readonly packages?: ReadonlyArray<string> | undefined }>,
  provided: Readonly<Record<string, unknown>>,
): Promise<void> => {
  if (!isOwnProcess) return
  for (const { packages = [], path } of sources) {
    const specifiers = packages.filter((specifier) => provided[specifier] === undefined)
    refusePackages(await findMissingPackages(specifiers, dirname(path)))
  }
}

/** Whether user code asked for standard output and got standard error, which may still hold output. */
let hasPrinted = false

const useStderr = () => {
  hasPrinted = true
  return process.stderr
}

/** Calls back once everything that a configuration printed has been read. Standard error is closed then. */
export const flushPrinted = (call: () => void): void => {
  if (hasPrinted && process.stderr.writable) process.stderr.end(call)
  else call()
}

/** Makes the console print to standard error. The console for that is made on first use, since it is slow to make. */
const redirectConsole = () => {
  let toStderr: Readonly<Record<string, unknown>> | undefined
  // Reading `console.Console` would make Bun load the class, which takes several milliseconds.
  const names = Object.keys(console).filter((name) => name !== "Console")
  for (const name of names) {
    if (typeof Reflect.get(console, name) !== "function") continue
    const print = (...values: ReadonlyArray<unknown>): unknown => {
      toStderr ??= { ...new console.Console(useStderr()), write: writeToStderr }
      const target = toStderr[name]
      return typeof target === "function" ? Reflect.apply(target, toStderr, values) : undefined
    }
    Object.assign(console, { [name]: print })
  }
}

/** `console.write` is Bun's own: a `console.Console` lacks it. */
const writeToStderr = (...values: ReadonlyArray<unknown>) =>
  void values.map((value) => useStderr().write(String(value)))

let isConsoleRedirected = false

/**
 * Redirects the console and `process.stdout` to standard error, for good: user code may print later. Mill itself uses
 * neither, except for `process.stdout` on a terminal, which the returned function restores.
 */
const redirectOutput = () => {
  if (!isConsoleRedirected) redirectConsole()
  isConsoleRedirected = true
  const stdout = mayBeTerminal(1) ? process.stdout : undefined
  // Assigned first: otherwise Bun makes the stream, slowly, to describe the property.
  Object.assign(process, { stdout: undefined })
  Object.defineProperty(process, "stdout", { configurable: true, enumerable: true, get: useStderr })
  return () => {
    if (stdout === undefined) return
    Object.defineProperty(process, "stdout", { configurable: true, enumerable: true, value: stdout })
  }
}

/** Lets signals end the process at once: code that never yields would keep any listener from running. */
const removeSignalListeners = () => {
  const saved = signals.map((name) => [name, process.listeners(name)] as const)
  for (const name of signals) process.removeAllListeners(name)
  return () => {
    for (const [name, listeners] of saved) for (const listener of listeners) process.on(name, listener)
  }
}

const hideMarks = () => {
  const saved = marks.flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  for (const name of marks) delete process.env[name]
  return () => {
    for (const [name, value] of saved) process.env[name] = value
  }
}

/** Turns exits and unhandled errors of user code into calls of `fail`. */
const catchExits = (fail: (error: unknown) => void) => {
  const { exit } = process
  for (const name of strays) process.on(name, fail)
  process.exit = (code) => {
    const error = new Error(`calls process.exit(${code ?? ""})`)
    fail(error)
    throw error
  }
  return () => {
    process.exit = exit
    for (const name of strays) process.off(name, fail)
  }
}

/**
 * Evaluates the module at `path`. In one of mill's own processes this also rejects when the module exits the process or
 * leaves an error unhandled. Aborting `signal` restores the process at once.
 */
export const evaluateModule = async (path: string, signal: AbortSignal): Promise<unknown> => {
  if (!isOwnProcess) return import(path)
  const failed = Promise.withResolvers<never>()
  // The module may fail after this function has returned.
  failed.promise.catch(() => undefined)
  const undo = [redirectOutput(), removeSignalListeners(), hideMarks(), catchExits(failed.reject)]
  const restore = () => {
    for (const step of undo.splice(0)) step()
  }
  signal.addEventListener("abort", restore)
  try {
    return await Promise.race([import(path), failed.promise])
  } finally {
    restore()
  }
}
