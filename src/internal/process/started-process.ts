/** Processes that mill starts: their properties, and how they end. */
import { Data, type Duration, type Effect } from "effect"

/** How a process ended: with a code, or by a signal. */
export type ProcessExit = Data.TaggedEnum<{
  Code: { readonly code: number }
  Signal: { readonly signal: string }
}>
export const ProcessExit = Data.taggedEnum<ProcessExit>()

/** The cause of the error with which Effect's `exitCode` fails when a signal ended the process. */
export class EndedBySignal extends Data.TaggedError("EndedBySignal")<{ readonly signal: string }> {}

export type StartOptions = {
  /** Time between SIGTERM and SIGKILL when the scope closes. */
  readonly grace: Duration.Duration
  /** Called with each chunk in turn. The next chunk is read when the effect has finished. */
  readonly onStdout: (chunk: Uint8Array) => Effect.Effect<void>
  readonly onStderr: (chunk: Uint8Array) => Effect.Effect<void>
}

/** A started process, which leads a process group of the same number. */
export type StartedProcess = {
  readonly pid: number
  /** Waits for the end of standard output. */
  readonly stdoutEnd: Effect.Effect<void>
  /** Waits for the exit of the process and the end of its output. */
  readonly exit: Effect.Effect<ProcessExit>
}

/** What a command printed, and how it ended. */
export type CommandOutput = {
  readonly exit: ProcessExit
  readonly stdout: string
  readonly stderr: string
}

/** An exit as messages print it: `exit code 1`, `SIGKILL`. */
export const formatExit = (exit: ProcessExit): string =>
  exit._tag === "Code" ? `exit code ${exit.code}` : exit.signal
