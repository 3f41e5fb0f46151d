/**
 * A process that leads a group of its own, so that what it starts can be ended with it. Its output is read from the
 * start to the end, whoever listens; after its exit for `drainAfterExit` more, since something that it left behind may
 * hold the pipe. When the scope closes, what is left of the group gets SIGTERM, and SIGKILL after the grace period.
 */
import { Data, type Duration, Effect, Exit, Fiber, Schedule, Scope, Stream } from "effect"
import type { PlatformError } from "effect/PlatformError"
import { ChildProcess } from "effect/process"
import { endGroup } from "./process-tree.effect.ts"

/** How long output is read after the process has exited. */
const drainAfterExit = "1 second"

/** How a process ended: with a code or by a signal. */
export type ProcessExit = Data.TaggedEnum<{
  Code: { readonly code: number }
  Signal: { readonly signal: string }
}>
export const ProcessExit = Data.taggedEnum<ProcessExit>()

export type ProcessSpec = {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly cwd: string
  /** Added to this process's own environment, unless that is not to be inherited. */
  readonly env: Readonly<Record<string, string>>
  readonly inheritEnv?: boolean | undefined
  /** Written to standard input, which is closed at its end. Absent: standard input is empty. */
  readonly stdin?: string | Stream.Stream<Uint8Array> | undefined
  readonly grace: Duration.Duration
  readonly onStdout: (chunk: Uint8Array) => Effect.Effect<void>
  readonly onStderr: (chunk: Uint8Array) => Effect.Effect<void>
}

/** A started process. `exit` waits for its end and the end of its output, `stdoutEnd` for that of its standard output. */
export type ProcessGroup = {
  readonly pid: number
  readonly stdoutEnd: Effect.Effect<void>
  readonly exit: Effect.Effect<ProcessExit>
}

const encoder = new TextEncoder()

const exitOf = (error: PlatformError): ProcessExit => {
  const { cause } = error.reason
  const text = cause instanceof Error ? cause.message : ""
  const signal = /signal: '(\w+)'/.exec(text)?.[1]
  return signal === undefined ? ProcessExit.Code({ code: -1 }) : ProcessExit.Signal({ signal })
}

/** How often a system that has no room for another process is asked again: for half a minute. */
const busyRetries = 300

const isBusy = ({ reason: { cause } }: PlatformError): boolean =>
  typeof cause === "object" &&
  cause !== null &&
  "code" in cause &&
  (cause.code === "EMFILE" || cause.code === "ENFILE" || cause.code === "EAGAIN")

/** Starts the process. Fails when there is no such command, or the system refuses to run it. */
export const startProcess = Effect.fnUntraced(function* (spec: ProcessSpec) {
  // Effect's own clean-up waits for zombies too: it goes on behind ours, and nobody waits for it.
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer(() => Effect.forkDetach(Scope.close(scope, Exit.void)))
  const command = ChildProcess.make(spec.command, spec.args, {
    cwd: spec.cwd,
    env: spec.env,
    extendEnv: spec.inheritEnv ?? true,
    detached: true,
    forceKillAfter: spec.grace,
    stdin:
      spec.stdin === undefined
        ? "ignore"
        : typeof spec.stdin === "string"
          ? Stream.make(encoder.encode(spec.stdin))
          : spec.stdin,
  })
  const handle = yield* Scope.provide(command, scope).pipe(
    Effect.retry({
      while: isBusy,
      schedule: Schedule.max([Schedule.spaced("100 millis"), Schedule.recurs(busyRetries)]),
    }),
  )
  const drain = (
    stream: Stream.Stream<Uint8Array, PlatformError>,
    onChunk: (chunk: Uint8Array) => Effect.Effect<void>,
  ) => stream.pipe(Stream.runForEach(onChunk), Effect.ignore, Effect.forkScoped)
  const stdout = yield* drain(handle.stdout, spec.onStdout)
  const drains = [stdout, yield* drain(handle.stderr, spec.onStderr)]

  // Registered behind the drains, so it runs before they stop: an agent may have much to say when it is ended.
  yield* Effect.addFinalizer(() => endGroup(handle.pid, spec.grace))

  const exit = handle.exitCode.pipe(
    Effect.map((code) => ProcessExit.Code({ code })),
    Effect.catch((error) => Effect.succeed(exitOf(error))),
    Effect.tap(() =>
      Fiber.joinAll(drains).pipe(
        Effect.timeoutOrElse({ duration: drainAfterExit, orElse: () => Fiber.interruptAll(drains) }),
      ),
    ),
  )
  return { pid: handle.pid, stdoutEnd: Effect.asVoid(Fiber.await(stdout)), exit } satisfies ProcessGroup
})
