import type { SpawnOptions } from "node:child_process"

/** A signal killed the child. */
export declare class SignalError extends Error {
  readonly signal: NodeJS.Signals
}

/**
 * Runs a command to its end and passes signals on to it. Resolves to its exit code and, where its streams are pipes, its
 * output. Rejects with a SignalError if a signal killed it.
 */
export declare const run: (
  command: string,
  args: ReadonlyArray<string>,
  options: SpawnOptions,
) => Promise<{ readonly code: number; readonly output: string }>

/** Kills this process with the same signal, so that its parent sees how the child ended. */
export declare const killSelf: (signal: NodeJS.Signals) => void
