/** Starts processes over Effect's ChildProcessSpawner. */
import { type Duration, Effect, Fiber, Stream } from "effect"
import type { PlatformError } from "effect/PlatformError"
import type { ChildProcess } from "effect/process"
import { type ChildProcessHandle, ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import { readSystemCode } from "../../domain/error.schema.ts"
import {
  type CommandOutput,
  EndedBySignal,
  ProcessExit,
  type StartedProcess,
  type StartOptions,
} from "./started-process.ts"

/** How long output is read after the process has exited: a process that it left behind may hold the pipe. */
const drainAfterExit = "1 second"

/** How long output is read after the process was terminated: its last lines may still be in the pipe. */
const drainAfterTermination = "200 millis"

/** A system without room for another process is asked again, for half a minute. */
const busyRetries = 300
const busyPause = "100 millis"

const isBusy = ({ reason }: PlatformError): boolean =>
  ["EMFILE", "ENFILE", "EAGAIN"].includes(readSystemCode(reason.cause) ?? "")

const awaitExit = (handle: ChildProcessHandle): Effect.Effect<ProcessExit> =>
  Effect.match(handle.exitCode, {
    onSuccess: (code) => ProcessExit.Code({ code }),
    onFailure: ({ message, reason }) =>
      ProcessExit.Signal({ signal: reason.cause instanceof EndedBySignal ? reason.cause.signal : message }),
  })

type Output = ChildProcessHandle["stdout"]

/** Reads to the end. Output that cannot be read any further has ended. */
const drain = (output: Output, onChunk: StartOptions["onStdout"]) =>
  Stream.runForEach(output, onChunk).pipe(
    Effect.catchTag("PlatformError", ({ message }) =>
      Effect.logWarning(`cannot read the output of a process: ${message}`),
    ),
  )

const readText = (output: Output) => Stream.mkString(Stream.decodeText(output))

/** The methods of `Processes` that start processes. `endGroup` ends what is left of a group. */
export const makeStarters = Effect.fnUntraced(function* (
  endGroup: (group: number, grace: Duration.Duration) => Effect.Effect<void>,
) {
  const { spawn } = yield* ChildProcessSpawner

  const spawnWhenReady = (command: ChildProcess.Command, retries = busyRetries): ReturnType<typeof spawn> =>
    Effect.catchIf(
      spawn(command),
      (error) => retries > 0 && isBusy(error),
      () =>
        Effect.andThen(Effect.interruptible(Effect.sleep(busyPause)), spawnWhenReady(command, retries - 1)),
    )

  const start = Effect.fn("Processes.start")(function* (
    command: ChildProcess.Command,
    options: StartOptions,
  ) {
    // Uninterruptible, so that no process starts without the finalizer that ends it.
    const { drains, exit, pid, stdout } = yield* Effect.uninterruptible(
      Effect.gen(function* () {
        const handle = yield* spawnWhenReady(command)
        const listen = (output: Output, onChunk: StartOptions["onStdout"]) =>
          Effect.forkScoped(Effect.interruptible(drain(output, onChunk)))
        const stdout = yield* listen(handle.stdout, options.onStdout)
        const drains = [stdout, yield* listen(handle.stderr, options.onStderr)]
        // Added after the drains, so it runs before they stop: an agent may print much while it is ended.
        yield* Effect.addFinalizer(() =>
          endGroup(handle.pid, options.grace).pipe(
            Effect.andThen(
              Effect.timeoutOption(Effect.interruptible(Fiber.awaitAll(drains)), drainAfterTermination),
            ),
          ),
        )
        return { pid: handle.pid, drains, exit: awaitExit(handle), stdout }
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
    } satisfies StartedProcess
  })

  const launch = Effect.fn("Processes.launch")(
    function* (command: ChildProcess.Command, input: string | undefined) {
      const handle = yield* spawn(command)
      // The process must not begin with half of its input: if the input cannot be written, the scope ends the process.
      if (input !== undefined) {
        const written = Stream.run(Stream.encodeText(Stream.succeed(input)), handle.stdin)
        yield* Effect.onError(Effect.interruptible(written), () =>
          Effect.ignore(handle.kill({ killSignal: "SIGKILL" })),
        )
      }
      yield* Effect.asVoid(handle.unref)
      return Number(handle.pid)
    },
    Effect.scoped,
    Effect.uninterruptible,
  )

  const run = Effect.fn("Processes.run")(function* (command: ChildProcess.Command) {
    const handle = yield* spawn(command)
    const [stdout, stderr, exit] = yield* Effect.all(
      [readText(handle.stdout), readText(handle.stderr), awaitExit(handle)],
      { concurrency: "unbounded" },
    )
    return { exit, stdout, stderr } satisfies CommandOutput
  }, Effect.scoped)

  return { start, launch, run }
})
