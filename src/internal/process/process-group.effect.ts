/**
 * A process that leads a group of its own, so that what it starts can be ended with it. Its output is read from the
 * start to the end, whoever listens; after its exit for `drainAfterExit` more, since something that it left behind may
 * hold the pipe. When the scope closes, what is left of the group gets SIGTERM, and SIGKILL after the grace period.
 */
import { type Duration, Effect, Fiber } from "effect"
import type { PlatformError } from "effect/PlatformError"
import { readSystemCode } from "../../domain/error.schema.ts"
import { type Drain, type ProcessExit, type ProcessSpec, ProcessStarter } from "./process-starter.effect.ts"
import { endGroup } from "./process-tree.effect.ts"

/** How long output is read after the process has exited. */
const drainAfterExit = "1 second"

export type GroupSpec = ProcessSpec & {
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

/** A system that has no room for another process is asked again: for half a minute. */
const busyRetries = 300
const busyPause = "100 millis"

const isBusy = ({ reason }: PlatformError): boolean =>
  ["EMFILE", "ENFILE", "EAGAIN"].includes(readSystemCode(reason.cause) ?? "")

/** Starts the process. Fails when there is no such command, or the system refuses to run it. */
export const startProcess = Effect.fnUntraced(function* (spec: GroupSpec) {
  const starter = yield* ProcessStarter
  const attempt = (retries: number): ReturnType<typeof starter.start> =>
    Effect.catchIf(
      starter.start(spec),
      (error) => retries > 0 && isBusy(error),
      () => Effect.andThen(Effect.interruptible(Effect.sleep(busyPause)), attempt(retries - 1)),
    )
  // From its start until it is sure to be ended, nothing comes between.
  const { pid, drains, exit, stdout } = yield* Effect.uninterruptible(
    Effect.gen(function* () {
      const started = yield* attempt(busyRetries)
      const listen = (drain: Drain, onChunk: GroupSpec["onStdout"]) =>
        Effect.forkScoped(Effect.interruptible(drain(onChunk)))
      const stdout = yield* listen(started.stdout, spec.onStdout)
      const drains = [stdout, yield* listen(started.stderr, spec.onStderr)]
      // Registered behind the drains, so it runs before they stop: an agent may have much to say when it is ended.
      yield* Effect.addFinalizer(() => endGroup(started.pid, spec.grace))
      return { ...started, drains, stdout }
    }),
  )
  return {
    pid,
    stdoutEnd: Effect.asVoid(Fiber.await(stdout)),
    exit: Effect.tap(exit, () =>
      Fiber.joinAll(drains).pipe(
        Effect.timeoutOrElse({ duration: drainAfterExit, orElse: () => Fiber.interruptAll(drains) }),
      ),
    ),
  } satisfies ProcessGroup
})
