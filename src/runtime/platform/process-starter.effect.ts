/**
 * Processes as Bun starts them. Effect's own starter goes by way of Node's processes and streams, which takes a spawn
 * three times as long and the worker twice the memory.
 */
import { Effect, Layer, Stream } from "effect"
import { badArgument, systemError } from "effect/PlatformError"
import { readSystemCode } from "../../domain/error.schema.ts"
import {
  type Drain,
  type LaunchSpec,
  ProcessExit,
  type ProcessSpec,
  ProcessStarter,
} from "../../internal/process/process-starter.effect.ts"
import { readEnvironment } from "./environment.effect.ts"
import { end, put } from "../bun/file-sink.ts"

const where = { module: "ProcessStarter", method: "start" }

const platformError = (cause: unknown) => {
  const code = readSystemCode(cause)
  // Bun's message would repeat the value.
  if (code === "ERR_INVALID_ARG_VALUE")
    return badArgument({ ...where, description: "an argument, its folder or its environment holds a NUL" })
  const _tag =
    code === "ENOENT" ? "NotFound" : code === "EACCES" || code === "EPERM" ? "PermissionDenied" : "Unknown"
  return systemError({ ...where, _tag, cause })
}

type Output = "pipe" | "ignore"

/** Starts it, as the leader of a session. Standard input is a pipe where there is something for it: never a file. */
const spawn = <Out extends Output>(
  { args, command, cwd, stdin }: ProcessSpec | LaunchSpec,
  env: Readonly<Record<string, string | undefined>>,
  output: Out,
) =>
  Effect.try({
    try: () =>
      Bun.spawn([command, ...args], {
        cwd,
        env,
        detached: true,
        stdin: stdin === undefined ? "ignore" : "pipe",
        stdout: output,
        stderr: output,
      }),
    catch: platformError,
  })

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
        Effect.catch(({ cause }) => Effect.logWarning(`a process's output cannot be read: ${String(cause)}`)),
      )
    })

const encoder = new TextEncoder()

/** Writes as the stream gives, and closes it. */
const feed = (sink: Bun.FileSink, input: string | Stream.Stream<Uint8Array>) =>
  (typeof input === "string"
    ? Effect.tryPromise(() => put(sink, encoder.encode(input)))
    : Stream.runForEach(input, (chunk) => Effect.tryPromise(() => put(sink, chunk)))
  ).pipe(Effect.ensuring(Effect.sync(() => end(sink))))

const start = Effect.fnUntraced(function* (spec: ProcessSpec) {
  const env = spec.inheritEnv === false ? spec.env : { ...readEnvironment(), ...spec.env }
  const child = yield* spawn(spec, env, "pipe")
  // A process that does not read does no harm.
  if (spec.stdin !== undefined && typeof child.stdin === "object")
    yield* Effect.forkScoped(Effect.interruptible(Effect.ignore(feed(child.stdin, spec.stdin))))
  return {
    pid: child.pid,
    stdout: drainOf(child.stdout),
    stderr: drainOf(child.stderr),
    exit: Effect.map(
      Effect.promise(() => child.exited),
      (code) => exitOf(code, child.signalCode),
    ),
  }
})

/** One that has no name, such as a signal of real time, is told by its number. */
const exitOf = (code: number, signal: number | string | null) =>
  signal === null
    ? ProcessExit.Code({ code })
    : ProcessExit.Signal({ signal: typeof signal === "number" ? `signal ${signal}` : signal })

const launch = Effect.fnUntraced(function* (spec: LaunchSpec) {
  const child = yield* spawn(spec, { ...readEnvironment(), ...spec.env }, "ignore")
  // Without all of its input it must not begin.
  if (spec.stdin !== undefined && typeof child.stdin === "object")
    yield* Effect.interruptible(feed(child.stdin, spec.stdin)).pipe(
      Effect.mapError(({ cause }) => platformError(cause)),
      Effect.onError(() => Effect.sync(() => child.kill("SIGKILL"))),
    )
  yield* Effect.sync(() => child.unref())
  return child.pid
}, Effect.uninterruptible)

export const layer = Layer.succeed(ProcessStarter, ProcessStarter.of({ start, launch }))
