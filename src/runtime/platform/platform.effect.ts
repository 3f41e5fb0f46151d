/** The platform layer: Effect's services on Bun. */
import * as BunFileSystem from "@effect/platform-bun/BunFileSystem"
import * as BunPath from "@effect/platform-bun/BunPath"
import * as BunStdio from "@effect/platform-bun/BunStdio"
import * as BunTerminal from "@effect/platform-bun/BunTerminal"
import * as NodeSocket from "@effect/platform-node-shared/NodeSocket"
import * as NodeSocketServer from "@effect/platform-node-shared/NodeSocketServer"
import { Context, Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import type { FileSystem } from "effect/FileSystem"
import type { Path } from "effect/Path"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Sink from "effect/Sink"
import { make as makeStdio, Stdio } from "effect/Stdio"
import { make as makeTerminal, Terminal } from "effect/Terminal"
import { systemError } from "effect/PlatformError"
import * as Streams from "../bun/standard-streams.ts"
import type { Processes } from "../../internal/process/processes.effect.ts"
import * as BunProcesses from "./processes.effect.ts"
import { Sockets } from "../../internal/sockets/sockets.effect.ts"

// The package was built against another release of Effect, in which the types of these layers are `any`.
const bunServices: Layer.Layer<FileSystem | Path> = Layer.mergeAll(BunFileSystem.layer, BunPath.layer)

/** The terminal, built on first use: it listens to standard input, and few commands need it. */
const terminal = Layer.effect(
  Terminal,
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const built: Effect.Effect<Terminal> = yield* Effect.cached(
      Effect.map(Layer.buildWithScope(BunTerminal.layer, scope), (context) => Context.get(context, Terminal)),
    )
    return makeTerminal({
      columns: Effect.flatMap(built, ({ columns }) => columns),
      rows: Effect.flatMap(built, ({ rows }) => rows),
      size: Effect.flatMap(built, ({ size }) => size),
      readInput: Effect.flatMap(built, ({ readInput }) => readInput),
      readLine: Effect.flatMap(built, ({ readLine }) => readLine),
      display: (text) => Effect.flatMap(built, ({ display }) => display(text)),
    })
  }),
)

const makeWriter = (method: string, write: typeof Streams.writeOut) => (chunk: string | Uint8Array) =>
  Effect.tryPromise({
    try: () => write(chunk),
    catch: (cause) => systemError({ module: "Stdio", method, _tag: "Unknown", cause }),
  })

/** Each writes a chunk and waits until the reader has taken it. */
export const writeStdout = makeWriter("stdout", Streams.writeOut)
export const writeStderr = makeWriter("stderr", Streams.writeErr)

/** Bun's standard streams, with mill's own writers. */
const stdio = Layer.effect(
  Stdio,
  Effect.map(Stdio, (streams) =>
    makeStdio({
      ...streams,
      stdout: () => Sink.forEach(writeStdout),
      stderr: () => Sink.forEach(writeStderr),
    }),
  ),
).pipe(Layer.provide(BunStdio.layer))

const standardStreams: Layer.Layer<Stdio | Terminal> = Layer.mergeAll(stdio, terminal)

const sockets = Layer.succeed(
  Sockets,
  Sockets.of({
    listen: (path) => NodeSocketServer.make({ path }),
    connect: (path) => NodeSocket.makeNet({ path }),
  }),
)

export type Platform =
  | ChildProcessSpawner
  | FileSystem
  | Path
  | Processes
  | SecureRandom.SecureRandom
  | Sockets

/** The services that also suit a user's script, whose standard streams belong to the script. */
export const layer: Layer.Layer<Platform> = Layer.mergeAll(
  Layer.provideMerge(BunProcesses.layer, bunServices),
  sockets,
  SecureRandom.layerWebCrypto,
)

export const processLayer: Layer.Layer<Platform | Stdio | Terminal> = Layer.merge(layer, standardStreams)

export { runMain } from "@effect/platform-node-shared/NodeRuntime"
