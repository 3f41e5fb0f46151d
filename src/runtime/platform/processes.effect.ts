/**
 * Processes on Bun: Effect's ChildProcessSpawner over `Bun.spawn`, and mill's Processes over both.
 *
 * `@effect/platform-bun` starts processes through Node's processes and streams. Measured on Bun 1.4.5 with two cores,
 * 3,000 processes, 32 at a time, that read their input and print two lines: 1.1 to 1.4 ms of CPU time for each and
 * 149 to 167 MiB resident at the end, against 0.6 to 0.8 ms and 77 to 84 MiB for this spawner. Calls of `Bun.spawn` without
 * Effect's handles and streams would save another 0.1 ms: not enough for a vocabulary of our own.
 *
 * The spawner supports what mill uses: plain commands whose input is a stream, a pipe or empty, and whose output is a
 * pipe or ignored. It refuses pipelines, shells, further file descriptors and output sinks. When a signal ends a
 * process, `exitCode` fails with an `EndedBySignal` as the cause of its error.
 */
import { Duration, Effect, Layer, Option, Predicate, Redacted, Sink, Stream } from "effect"
import { badArgument, type PlatformError, systemError } from "effect/PlatformError"
import type { ChildProcess } from "effect/process"
import {
  ChildProcessSpawner,
  ExitCode,
  make as makeSpawner,
  makeHandle,
  ProcessId,
} from "effect/process/ChildProcessSpawner"
import { readSystemCode } from "../../domain/error.schema.ts"
import { Processes } from "../../internal/process/processes.effect.ts"
import { EndedBySignal } from "../../internal/process/started-process.ts"
import { endSink, writeToSink } from "../bun/file-sink.ts"
import { readEnvironment } from "./environment.effect.ts"

/** How long the end of a scope waits for a process to react to a signal, unless the command says otherwise. */
const killPatience = Duration.seconds(2)

const where = { module: "ChildProcess", method: "spawn" }

const toPlatformError = (cause: unknown): PlatformError => {
  const code = readSystemCode(cause)
  // Bun's message would repeat the value.
  if (code === "ERR_INVALID_ARG_VALUE")
    return badArgument({
      ...where,
      description: "an argument, the directory or the environment contains a NUL character",
    })
  const _tag =
    code === "ENOENT" ? "NotFound" : code === "EACCES" || code === "EPERM" ? "PermissionDenied" : "Unknown"
  return systemError({ ...where, _tag, cause })
}

const reveal = (word: string | Redacted.Redacted<string>): string =>
  Redacted.isRedacted(word) ? Redacted.value(word) : word

const buildEnvironment = ({ env, extendEnv }: ChildProcess.CommandOptions) => {
  if (env === undefined) return readEnvironment()
  const own = Object.entries(env).map(
    ([name, value]) => [name, value === undefined ? undefined : reveal(value)] as const,
  )
  return { ...(extendEnv === true ? readEnvironment() : {}), ...Object.fromEntries(own) }
}

/** A command in terms of `Bun.spawn`, if this spawner supports it. */
const readCommand = (command: ChildProcess.Command) => {
  if (command._tag !== "StandardCommand") return undefined
  const { additionalFds, shell, stderr = "pipe", stdin = "pipe", stdout = "pipe" } = command.options
  const input = Stream.isStream(stdin) ? stdin : undefined
  if (additionalFds !== undefined || (shell !== undefined && shell !== false)) return undefined
  if (input === undefined && stdin !== "pipe" && stdin !== "ignore") return undefined
  if ((stdout !== "pipe" && stdout !== "ignore") || (stderr !== "pipe" && stderr !== "ignore"))
    return undefined
  const { args, options } = command
  return {
    words: [command.command, ...args.map(reveal)],
    options,
    input,
    stdio: [stdin === "ignore" ? stdin : "pipe", stdout, stderr] as const,
  }
}

type Child = Bun.Subprocess<"ignore" | "pipe", "ignore" | "pipe", "ignore" | "pipe">

/** A standard input is a pipe where there is something for it: never a file. */
const spawnChild = ({ options, stdio, words }: NonNullable<ReturnType<typeof readCommand>>) =>
  Effect.try({
    try: (): Child =>
      Bun.spawn(words, {
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
        env: buildEnvironment(options),
        detached: options.detached !== false,
        stdio: [...stdio],
      }),
    catch: toPlatformError,
  })

const makeKill = (child: Child, { detached, ...defaults }: ChildProcess.CommandOptions) => {
  const signal = (name: ChildProcess.Signal) =>
    Effect.ignore(Effect.try(() => process.kill(detached === false ? child.pid : -child.pid, name)))
  const hasExited = (patience: Duration.Input) =>
    Effect.map(
      Effect.timeoutOption(
        Effect.promise(() => child.exited),
        patience,
      ),
      Option.isSome,
    )
  return Effect.fnUntraced(function* (options: ChildProcess.KillOptions = {}) {
    const { forceKillAfter = killPatience, killSignal = "SIGTERM" } = { ...defaults, ...options }
    yield* signal(killSignal)
    if (yield* hasExited(forceKillAfter)) return
    yield* signal("SIGKILL")
    yield* hasExited(killPatience)
  })
}

const readOutput = (output: Child["stdout"]): Stream.Stream<Uint8Array, PlatformError> =>
  output instanceof ReadableStream
    ? Stream.fromReadableStream({ evaluate: () => output, onError: toPlatformError })
    : Stream.empty

/** Writes each chunk when the process has taken the one before it, then closes its standard input. */
const writeInput = (input: Child["stdin"]): Sink.Sink<void, Uint8Array, never, PlatformError> =>
  input === undefined
    ? Sink.drain
    : Sink.forEach((chunk: Uint8Array) =>
        Effect.tryPromise({ try: () => writeToSink(input, chunk), catch: toPlatformError }),
      ).pipe(Sink.ensuring(Effect.sync(() => endSink(input))))

const spawn: ChildProcessSpawner["Service"]["spawn"] = Effect.fnUntraced(function* (command) {
  const call = readCommand(command)
  if (call === undefined) return yield* badArgument({ ...where, description: "unsupported options" })
  let isReferenced = true
  const child = yield* Effect.acquireRelease(spawnChild(call), (child) =>
    isReferenced && child.exitCode === null && child.signalCode === null
      ? makeKill(child, call.options)()
      : Effect.void,
  )
  const stdin = writeInput(child.stdin)
  // A process that does not read its input does no harm.
  if (call.input !== undefined)
    yield* Effect.forkScoped(Effect.interruptible(Effect.ignore(Stream.run(call.input, stdin))))
  const stdout = readOutput(child.stdout)
  const stderr = readOutput(child.stderr)
  return makeHandle({
    pid: ProcessId(child.pid),
    exitCode: Effect.flatMap(
      Effect.promise(() => child.exited),
      (code) =>
        child.signalCode === null ? Effect.succeed(ExitCode(code)) : Effect.fail(endedBy(child.signalCode)),
    ),
    isRunning: Effect.sync(() => child.exitCode === null && child.signalCode === null),
    kill: makeKill(child, call.options),
    stdin,
    stdout,
    stderr,
    all: Stream.merge(stdout, stderr),
    getInputFd: () => Sink.drain,
    getOutputFd: () => Stream.empty,
    unref: Effect.sync(() => {
      isReferenced = false
      child.unref()
      return Effect.sync(() => {
        isReferenced = true
        child.ref()
      })
    }),
  })
})

/** A signal without a name, such as a real-time signal, is given by its number. */
const endedBy = (signal: string | number) =>
  systemError({
    ...where,
    method: "exitCode",
    _tag: "Unknown",
    cause: new EndedBySignal({ signal: Predicate.isNumber(signal) ? `signal ${signal}` : signal }),
  })

export const layer = Processes.layer({
  self: process.pid,
  kill: (pid, signal) => process.kill(pid, signal),
  which: (command, { cwd, path }) => Bun.which(command, { PATH: path, cwd }) ?? undefined,
}).pipe(Layer.provideMerge(Layer.succeed(ChildProcessSpawner, makeSpawner(spawn))))
