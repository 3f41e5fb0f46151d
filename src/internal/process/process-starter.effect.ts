/** Starts processes, as the platform does it. */
import { Context, Data, type Effect, type Scope, type Stream } from "effect"
import type { PlatformError } from "effect/PlatformError"

/** How a process ended: with a code or by a signal. */
export type ProcessExit = Data.TaggedEnum<{
  Code: { readonly code: number }
  Signal: { readonly signal: string }
}>
export const ProcessExit = Data.taggedEnum<ProcessExit>()

/** What is started. `env` is added to this process's own environment, unless that is not to be inherited. */
export type ProcessSpec = {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly inheritEnv?: boolean | undefined
  /** Written to standard input, which is closed at its end. Absent: standard input is empty. */
  readonly stdin?: string | Stream.Stream<Uint8Array> | undefined
}

/** Hands each chunk on, one after the other, and reads no further meanwhile; done at the end of the stream. */
export type Drain = (onChunk: (chunk: Uint8Array) => Effect.Effect<void>) => Effect.Effect<void>

/** A process that has been started. */
export type StartedProcess = {
  readonly pid: number
  readonly stdout: Drain
  readonly stderr: Drain
  readonly exit: Effect.Effect<ProcessExit>
}

/** What is started to go on when this process has ended. Variables that are `undefined` are taken away. */
export type LaunchSpec = {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin?: string | undefined
}

export class ProcessStarter extends Context.Service<
  ProcessStarter,
  {
    /**
     * Starts a process that leads a session and a group of its own. The scope's end stops what feeds its standard
     * input, not the process. Fails when there is no such command, or the system refuses to run it; the cause has the
     * system's code.
     */
    readonly start: (spec: ProcessSpec) => Effect.Effect<StartedProcess, PlatformError, Scope.Scope>
    /** The same for a process that nobody here listens to; gives its pid when it has its standard input. */
    readonly launch: (spec: LaunchSpec) => Effect.Effect<number, PlatformError>
  }
>()("mill/internal/ProcessStarter") {}
