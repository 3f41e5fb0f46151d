/**
 * The spawns of one run. Each has one `spawn:start`, on the disk before its agent starts, and one terminal event, on
 * the disk before the program is answered. Spawns run side by side; nothing here waits for another.
 */
import { Cause, Clock, DateTime, Effect, Exit, Fiber, FiberSet, Option, Scope } from "effect"
import { toCanonicalJson } from "../../domain/canonical-json.ts"
import { cutBytes } from "../../domain/cut-text.ts"
import type { DriverEvent } from "../../domain/driver.schema.ts"
import type { SpawnRefused } from "../../domain/error.schema.ts"
import type { EventBody } from "../../domain/event.schema.ts"
import { SpawnFailure } from "../../domain/host-protocol.schema.ts"
import { type RunId, makeSessionRef, type SpawnId, makeSpawnId } from "../../domain/ids.schema.ts"
import type { RunPaths } from "../../domain/run.schema.ts"
import {
  type AgentReport,
  type EndedSpawn,
  makeSpawnCancellation,
  makeSpawnRefusal,
  type SpawnTerminal,
  judgeSpawn,
} from "../../domain/spawn-verdict.schema.ts"
import type { SpawnOptions, SpawnResult } from "../../domain/spawn.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { IoHub } from "../control/io-hub.effect.ts"
import type { Driver, DriverRequest } from "../drivers/driver.effect.ts"
import { sha256 } from "../sources/digest.effect.ts"
import type { EventLog } from "../store/event-log.effect.ts"
import { scratchDir } from "../store/run-paths.ts"
import { makeSpawnFiles } from "./spawn-files.effect.ts"
import { decodeSpawnInput } from "./spawn-input.effect.ts"

/** How many bytes of a tool's input an event keeps. */
const toolInputLimit = 2048

export type SpawnerOptions = {
  readonly runId: RunId
  readonly paths: RunPaths
  readonly cwd: string
  readonly depth: number
  readonly driver: Driver
  readonly log: EventLog
}

/** The spawns of a run. */
export type Spawner = {
  /** Carries out one spawn; `input` is what the program passed, whatever that is. */
  readonly spawn: (input: unknown) => Effect.Effect<SpawnResult, SpawnFailure>
  /** Refuses new spawns, ends the agents that run, and waits until each spawn has its terminal event. */
  readonly cancelAll: (reason: string) => Effect.Effect<void>
  /** Waits until no spawn runs and nothing is left of those that have. */
  readonly idle: Effect.Effect<void>
}

/** Ends with the scope, which cancels what runs. */
export const makeSpawner = Effect.fnUntraced(function* (options: SpawnerOptions) {
  const { driver, log, paths, runId } = options
  const hub = yield* IoHub
  const { runsDir } = yield* Settings
  const files = yield* makeSpawnFiles(paths)
  const context = yield* Effect.context<Effect.Services<ReturnType<typeof sha256>>>()
  /** Spawns in their own fibers: a program that hangs up does not end them, the run does. */
  const running = yield* FiberSet.make()
  /** What is left of agents that have answered is ended while the program goes on. */
  const cleaning = yield* FiberSet.make()
  let started = 0
  let ending: string | undefined

  const carryOut = Effect.fnUntraced(function* (spawnId: SpawnId, input: SpawnOptions, key: string) {
    yield* log.append({ type: "spawn:start", payload: { spawnId, input, key, driver: driver.name } })
    let sessionRef: string | undefined
    const request: DriverRequest = {
      runId,
      spawnId,
      input,
      env: {
        MILL_RUN_ID: runId,
        MILL_SPAWN_ID: spawnId,
        MILL_RUN_DEPTH: String(options.depth),
        MILL_RUNS_DIR: runsDir,
      },
      cwd: options.cwd,
      scratchDir: scratchDir(paths, spawnId),
      onStart: ({ pid }) => files.started(spawnId, input, pid),
      onEvents: (events) => {
        for (const event of events) if (event._tag === "Session") sessionRef = event.sessionRef
        return log.appendAll(events.flatMap((event) => eventBody(spawnId, event)))
      },
      onLines: Effect.fnUntraced(function* (stream, lines) {
        if (lines.length === 0) return
        const timestamp = DateTime.formatIso(yield* DateTime.now)
        yield* hub.publish(() =>
          lines.map((line) => ({ source: "driver", stream, line, timestamp, spawnId })),
        )
      }),
    }
    const scope = yield* Scope.make()
    const startedAt = yield* Clock.currentTimeMillis
    const exit = yield* Effect.exit(Effect.interruptible(Scope.provide(driver.run(request), scope)))
    const spawn: EndedSpawn = {
      spawnId,
      input,
      driver: driver.name,
      fallbackSessionRef: makeSessionRef(runId, spawnId),
      durationMs: (yield* Clock.currentTimeMillis) - startedAt,
    }
    // A cancelled agent must be gone before its event says so; one that has answered is cleaned up after meanwhile.
    const close = Scope.close(scope, exit)
    if (Exit.isSuccess(exit)) yield* FiberSet.run(cleaning, close)
    else yield* close
    const terminal = terminalOf(spawn, exit, ending, sessionRef)
    yield* log.append(terminal)
    // The log has it: nobody waits for the file.
    yield* FiberSet.run(cleaning, files.ended(spawnId, input, terminal))
    return terminal
  }, Effect.uninterruptible)

  const spawn: Spawner["spawn"] = Effect.fn("Spawner.spawn")(function* (raw) {
    const input = yield* decodeSpawnInput(raw)
    if (ending !== undefined)
      return yield* new SpawnFailure({ cause: "run-ending", message: `the run ends: ${ending}` })
    const key = yield* Effect.provideContext(sha256(toCanonicalJson(input)), context)
    // Numbered when nothing is in the way of its first event any more: the numbers tell the order in the log.
    started += 1
    const spawnId = makeSpawnId(started)
    const fiber = yield* FiberSet.run(running, Effect.exit(carryOut(spawnId, input, key)))
    const exit = yield* Effect.flatten(Fiber.join(fiber)).pipe(Effect.exit)
    if (Exit.isFailure(exit)) {
      const message = `the run's event log does not take the spawn: ${Cause.pretty(exit.cause)}`
      return yield* new SpawnFailure({ cause: "run-ending", message, spawnId })
    }
    return yield* answer(exit.value)
  })

  const idle = Effect.andThen(FiberSet.awaitEmpty(running), FiberSet.awaitEmpty(cleaning))
  const cancelAll: Spawner["cancelAll"] = Effect.fn("Spawner.cancelAll")(function* (reason) {
    ending ??= reason
    yield* FiberSet.clear(running)
    yield* idle
  })
  return { spawn, cancelAll, idle } satisfies Spawner
})

const terminalOf = (
  spawn: EndedSpawn,
  exit: Exit.Exit<AgentReport, SpawnRefused>,
  reason: string | undefined,
  sessionRef: string | undefined,
): SpawnTerminal => {
  if (Exit.isSuccess(exit)) return judgeSpawn(spawn, exit.value)
  const refused = Option.getOrUndefined(Exit.findErrorOption(exit))
  if (refused !== undefined) return makeSpawnRefusal(spawn, refused.cause, refused.message)
  return Exit.hasDies(exit)
    ? makeSpawnRefusal(spawn, "codec", `mill or a codec failed: ${Cause.pretty(exit.cause)}`)
    : makeSpawnCancellation(spawn, reason, sessionRef)
}

/** What the program gets for a terminal event. */
const answer = ({ payload, type }: SpawnTerminal): Effect.Effect<SpawnResult, SpawnFailure> => {
  if (type === "spawn:complete") return Effect.succeed(payload.result)
  const { result, spawnId } = payload
  return Effect.fail(
    new SpawnFailure({
      spawnId,
      ...(result === undefined ? {} : { result }),
      ...(type === "spawn:error"
        ? { cause: payload.cause, message: payload.message }
        : { cause: "cancelled", message: `the spawn was cancelled: ${payload.reason ?? "the run ends"}` }),
    }),
  )
}

const eventBody = (spawnId: SpawnId, event: DriverEvent): ReadonlyArray<EventBody> => {
  switch (event._tag) {
    case "Session":
      return []
    case "Milestone":
      return [{ type: "spawn:milestone", payload: { spawnId, message: event.message } }]
    case "ToolCall": {
      const input = event.input === undefined ? undefined : cutBytes(event.input, toolInputLimit)
      const payload = { spawnId, toolName: event.toolName, ...(input === undefined ? {} : { input }) }
      return [{ type: "spawn:tool_call", payload }]
    }
  }
}
