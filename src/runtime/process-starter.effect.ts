/**
 * Processes as Bun starts them. Effect's own starter goes by way of Node's processes and streams, which takes a spawn
 * three times as long and the worker twice the memory.
 */
import { Effect, Layer, Stream } from "effect"
import { badArgument, systemError } from "effect/PlatformError"
import {
  type Drain,
  type LaunchSpec,
  ProcessExit,
  type ProcessSpec,
  ProcessStarter,
} from "../internal/process/process-starter.effect.ts"
import { inheritedEnvironment } from "./environment.effect.ts"
import { end, put } from "./host/file-sink.ts"

const codeOf = (cause: unknown) =>
  typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined

const where = { module: "ProcessStarter", method: "start" }

const platformError = (cause: unknown) => {
  const code = codeOf(cause)
  // Bun's message would repeat the value.
  if (code === "ERR_INVALID_ARG_VALUE")
    return badArgument({ ...where, description: "an argument or a variable of the environment holds a NUL" })
  const _tag =
    code === "ENOENT" ? "NotFound" : code === "EACCES" || code === "EPERM" ? "PermissionDenied" : "Unknown"
  return systemError({ ...where, _tag, cause })
}

/** A stream that cannot be read any more has ended; what is left when nobody listens any more is not waited for. */
const drainOf =
  (stream: ReadableStream<Uint8Array>): Drain =>
  (onChunk) =>
    Effect.suspend(() => {
      const reader = stream.getReader()
      const read = Effect.tryPromise(() => reader.read())
      return Effect.gen(function* () {
        while (true) {
          const { done, value } = yield* read
          if (done) return
          yield* onChunk(value)
        }
      }).pipe(
        Effect.onInterrupt(() => Effect.ignore(Effect.tryPromise(() => reader.cancel()))),
        Effect.ignore,
      )
    })

/** Writes as the stream gives; a process that does not read does no harm. */
const feed = (sink: Bun.FileSink, input: Stream.Stream<Uint8Array>) =>
  Stream.runForEach(input, (chunk) => Effect.tryPromise(() => put(sink, chunk))).pipe(
    Effect.ensuring(Effect.ignore(Effect.tryPromise(() => end(sink)))),
    Effect.ignore,
  )

const encoder = new TextEncoder()

const start = Effect.fnUntraced(function* ({ args, command, cwd, env, inheritEnv, stdin }: ProcessSpec) {
  const child = yield* Effect.try({
    try: () =>
      Bun.spawn([command, ...args], {
        cwd,
        env: inheritEnv === false ? env : { ...inheritedEnvironment(), ...env },
        detached: true,
        stdin: stdin === undefined ? "ignore" : typeof stdin === "string" ? encoder.encode(stdin) : "pipe",
        stdout: "pipe",
        stderr: "pipe",
      }),
    catch: platformError,
  })
  if (Stream.isStream(stdin) && typeof child.stdin === "object")
    yield* Effect.forkScoped(Effect.interruptible(feed(child.stdin, stdin)))
  return {
    pid: child.pid,
    stdout: drainOf(child.stdout),
    stderr: drainOf(child.stderr),
    exit: Effect.map(
      Effect.promise(() => child.exited),
      (code) =>
        child.signalCode === null
          ? ProcessExit.Code({ code })
          : ProcessExit.Signal({ signal: String(child.signalCode) }),
    ),
  }
})

const launch = Effect.fnUntraced(function* ({ args, command, cwd, env, stdin }: LaunchSpec) {
  const child = yield* Effect.try({
    try: () =>
      Bun.spawn([command, ...args], {
        cwd,
        env: { ...inheritedEnvironment(), ...env },
        detached: true,
        stdin: stdin === undefined ? "ignore" : "pipe",
        stdout: "ignore",
        stderr: "ignore",
      }),
    catch: platformError,
  })
  if (stdin !== undefined && typeof child.stdin === "object")
    yield* feed(child.stdin, Stream.succeed(encoder.encode(stdin)))
  yield* Effect.sync(() => child.unref())
  return child.pid
})

export const layer = Layer.succeed(ProcessStarter, ProcessStarter.of({ start, launch }))
