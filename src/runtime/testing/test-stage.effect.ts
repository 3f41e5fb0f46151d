/**
 * Where a test runs programs: a temporary folder and agents that the test scripts. Closing the scope removes everything.
 */
import { Effect, FileSystem, Layer, Logger, Stream } from "effect"
import { SecureRandom } from "effect/crypto"
import { type SpawnRefused, StoreError } from "../../domain/error.schema.ts"
import type { SpawnOptions } from "../../domain/spawn.schema.ts"
import { Settings } from "../../internal/config/settings.effect.ts"
import { Processes } from "../../internal/process/processes.effect.ts"
import { serveRpcs } from "../../internal/sockets/rpc-server.effect.ts"
import { clearSocketPlace } from "../../internal/sockets/socket-place.effect.ts"
import { Sockets } from "../../internal/sockets/sockets.effect.ts"
import { toStoreError } from "../../internal/files/files.effect.ts"
import { readLastOwner } from "../../internal/store/owner-lock.effect.ts"
import * as Environment from "../platform/environment.effect.ts"
import { removeAtExit } from "../bun/remove-at-exit.ts"
import * as PlatformLayer from "../platform/platform.effect.ts"
import { ScriptedRpcs } from "./scripted-protocol.effect.ts"
import { unreadableAnswer, writeSteps } from "./scripted-steps.ts"

/** Answers a spawn with whatever the test's agent returns. A failure is the agent's. */
export type AnswerSpawn = (spawn: SpawnOptions) => Effect.Effect<unknown, SpawnRefused>

const streamSteps = (answer: AnswerSpawn, spawn: SpawnOptions) =>
  Stream.unwrap(
    Effect.exit(answer(spawn)).pipe(
      Effect.map(writeSteps),
      Effect.catchDefect(() => Effect.succeed(unreadableAnswer)),
      // The agent's process ends the stream: after a hang, never.
      Effect.map((steps) => Stream.concat(Stream.fromIterable(steps), Stream.never)),
    ),
  )

const serveAgents = Effect.fnUntraced(function* (path: string, answer: AnswerSpawn) {
  const sockets = yield* Sockets
  yield* clearSocketPlace(path)
  const server = yield* sockets
    .listen(path)
    .pipe(
      Effect.mapError(
        (error) => new StoreError({ path, message: `cannot listen on ${path}: ${error.message}` }),
      ),
    )
  const handlers = ScriptedRpcs.toLayer({
    spawn: ({ agent, model, prompt, systemPrompt }) =>
      streamSteps(answer, { agent, systemPrompt, prompt, model }),
  })
  yield* serveRpcs(ScriptedRpcs, handlers, server)
})

/** How long the processes of ended runs may take to exit. */
const exitTimeout = "10 seconds"

/** Opens a stage for as long as the scope lives. */
export const openStage = Effect.fn("TestStage.open")(function* (answer: AnswerSpawn) {
  const fs = yield* FileSystem.FileSystem
  const { self, socketDir } = yield* Settings
  const folder = yield* fs
    .makeTempDirectoryScoped({ prefix: "mill-test-" })
    .pipe(Effect.mapError(toStoreError("a temporary directory", "create")))
  // A test that times out is abandoned, and its scope stays open.
  yield* Effect.acquireRelease(
    Effect.sync(() => removeAtExit(folder)),
    (cancel) => Effect.sync(cancel),
  )
  const socket = `${socketDir}/test-${yield* (yield* SecureRandom.SecureRandom).ulid}`
  yield* serveAgents(socket, answer)
  const { awaitGone } = yield* Processes
  const runsDir = `${folder}/runs`
  const readOwners = Effect.gen(function* () {
    const names = yield* Effect.orElseSucceed(fs.readDirectory(runsDir), () => [])
    const owners = yield* Effect.forEach(names, (name) => Effect.option(readLastOwner(`${runsDir}/${name}`)))
    return owners.flatMap((owner) =>
      owner._tag === "Some" && owner.value !== undefined ? [owner.value] : [],
    )
  })
  return {
    folder,
    runsDir,
    /** The command that starts an agent scripted by the test. */
    agent: { command: self.command, args: [...self.args, "_scripted-agent", socket] },
    /** Writes a file into the folder and returns its path. */
    write: (name: string, text: string) => {
      const path = `${folder}/${name}`
      return fs
        .writeFileString(path, text)
        .pipe(Effect.as(path), Effect.mapError(toStoreError(path, "write")))
    },
    /** Waits until the workers of all ended runs have exited. */
    awaitWorkers: Effect.gen(function* () {
      const workers = (yield* readOwners).filter(({ identity }) => identity.pid !== process.pid)
      yield* Effect.forEach(workers, ({ identity }) => awaitGone(identity, exitTimeout), {
        concurrency: "unbounded",
        discard: true,
      })
    }).pipe(Effect.provideService(FileSystem.FileSystem, fs)),
  }
})

export const layer = Environment.layer({ runsDir: "." }).pipe(
  Layer.provideMerge(PlatformLayer.layer),
  // Killed agents break their connections. The run records that; a test's output needs no log of it.
  Layer.provideMerge(Logger.layer([])),
)
