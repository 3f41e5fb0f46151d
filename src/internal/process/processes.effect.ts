/**
 * The processes of this machine: how mill starts them, finds them again, waits for them and ends them. Commands are
 * Effect's `ChildProcess` values.
 */
import { Context, type Duration, Effect, Layer, type Scope } from "effect"
import type { PlatformError } from "effect/PlatformError"
import type { ChildProcess } from "effect/process"
import { type LeftProcess, readSystemCode } from "../../domain/error.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import { makeEnders, type Signal } from "./end-processes.effect.ts"
import { makeFinders } from "./find-processes.effect.ts"
import type { ProcessIdentity } from "./process-identity.schema.ts"
import { makeLeftFinders } from "./left-processes.effect.ts"
import { makeStarters } from "./start-process.effect.ts"
import type { CommandOutput, StartedProcess, StartOptions } from "./started-process.ts"

/** What the runtime provides in addition to Effect's spawner and file system. */
export type System = {
  /** The pid of this process. */
  readonly self: number
  /** Sends a signal, or with 0 none, to a process, or to a group when `pid` is negative. Throws when there is none. */
  readonly kill: (pid: number, signal: Signal | 0) => unknown
  readonly which: (
    command: string,
    options: { readonly path: string; readonly cwd: string },
  ) => string | undefined
}

export class Processes extends Context.Service<
  Processes,
  {
    /**
     * Starts a command as the leader of its own session and process group. Output is read to its end, and for a second
     * after the exit of the process. When the scope closes, what is left of the group receives SIGTERM first, then SIGKILL
     * after the grace period. Fails when the command does not exist or the system refuses to run it; the cause of the error
     * has the system's code.
     */
    readonly start: (
      command: ChildProcess.Command,
      options: StartOptions,
    ) => Effect.Effect<StartedProcess, PlatformError, Scope.Scope>
    /** Starts a command that outlives this process, and returns its pid once `input` is written. */
    readonly launch: (
      command: ChildProcess.Command,
      input: string | undefined,
    ) => Effect.Effect<number, PlatformError>
    /** Runs a command to its end and collects what it prints. */
    readonly run: (command: ChildProcess.Command) => Effect.Effect<CommandOutput, PlatformError>
    /** Resolves a command by the search path `path`, or a path relative to `cwd`, to an absolute path. */
    readonly which: (...call: Parameters<System["which"]>) => Effect.Effect<string | undefined>
    /** The identity of the live process `pid`. A zombie is not alive. */
    readonly identify: (pid: number) => Effect.Effect<ProcessIdentity | undefined>
    /** Whether the identified process is alive: not another one with its pid. */
    readonly isAlive: (identity: ProcessIdentity) => Effect.Effect<boolean>
    /** Waits until the identified process is gone; false when it still lives after `patience`. */
    readonly awaitGone: (identity: ProcessIdentity, patience: Duration.Input) => Effect.Effect<boolean>
    /** Sends a signal to a process, or to a group when `pid` is negative. Does nothing when there is none. */
    readonly signal: (pid: number, name: Signal) => Effect.Effect<void>
    /** Ends a process group. */
    readonly endGroup: (group: number, grace: Duration.Duration) => Effect.Effect<void>
    /**
     * Ends every process, except this one, that carries the run's `MILL_RUN_ID`, in whatever group, session or
     * parentage it is by now. Processes that cleared their environment, and those of other users, are not found.
     */
    readonly endMarked: (runId: RunId, grace: Duration.Duration) => Effect.Effect<void>
    /**
     * Finds what is left of a run: the processes, except this one, that carry its `MILL_RUN_ID`, and those in the groups
     * that `leaders` led, even if another user owns them.
     */
    readonly findLeft: (
      runId: RunId,
      leaders: ReadonlyArray<ProcessIdentity>,
    ) => Effect.Effect<ReadonlyArray<LeftProcess>>
    /** Describes a process that could not be ended; `undefined` when it has exited. */
    readonly describeLeft: (pid: number) => Effect.Effect<LeftProcess | undefined>
  }
>()("mill/internal/Processes") {
  static readonly layer = ({ kill, self, which }: System) =>
    Layer.effect(
      Processes,
      Effect.gen(function* () {
        /** Whether there is a process for the signal, even one of another user, which does not get it. */
        const trySignal = (pid: number, name: Signal | 0) =>
          Effect.try({ try: () => kill(pid, name), catch: readSystemCode }).pipe(
            Effect.match({ onSuccess: () => true, onFailure: (code) => code === "EPERM" }),
          )
        const signal = (pid: number, name: Signal) => Effect.asVoid(trySignal(pid, name))
        const { launch, run, start } = yield* makeStarters((group, grace) => enders.endGroup(group, grace))
        const finders = yield* makeFinders(run, (pid) => trySignal(pid, 0))
        const enders = makeEnders(finders, signal, self)
        return Processes.of({
          start,
          launch,
          run,
          which: (command, options) => Effect.sync(() => which(command, options)),
          identify: finders.identify,
          isAlive: finders.isAlive,
          signal,
          ...(yield* makeLeftFinders(finders, self)),
          ...enders,
        })
      }),
    )
}
