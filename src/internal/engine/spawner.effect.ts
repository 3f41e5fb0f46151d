/**
 * The spawns of one run. Each has one `spawn:start`, on disk before its agent starts, and one terminal event, on disk
 * before the program is answered. Spawns run concurrently, and none waits for another.
 */
import { Cause, Clock, DateTime, Deferred, Effect, Exit, Fiber, FiberSet, Scope } from "effect"
import { toCanonicalJson } from "../../domain/canonical-json.ts"
import { defined } from "../../domain/defined.ts"
import { SpawnFailure } from "../../domain/host-protocol.schema.ts"
import { type RunId, makeSessionRef, type SpawnId, makeSpawnId } from "../../domain/ids.schema.ts"
import type { RunPaths } from "../../domain/run.schema.ts"
import { runMarks } from "../../domain/run-marks.ts"
import {
  type AgentReport,
  emptyReport,
  type EndedSpawn,
  type SpawnTerminal,
} from "../../domain/spawn-verdict.schema.ts"
import type { SpawnOptions } from "../../domain/spawn.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { IoHub } from "../control/io-hub.effect.ts"
import type { Driver, DriverRequest } from "../drivers/driver.effect.ts"
import { sha256 } from "../sources/digest.effect.ts"
import type { EventLog } from "../store/event-log.effect.ts"
import { answerSpawn, toSpawnEvents, toTerminalEvent } from "./spawn-events.effect.ts"
import { makeSpawnFiles } from "./spawn-files.effect.ts"
import { decodeSpawnInput } from "./spawn-input.effect.ts"

/** Makes the spawner of a run. Closing the scope cancels the running spawns. */
export const makeSpawner = Effect.fnUntraced(function* (options: {
  readonly runId: RunId
  readonly paths: RunPaths
  readonly cwd: string
  readonly depth: number
  readonly driver: Driver
  readonly log: EventLog
}) {
  const { driver, log, paths, runId } = options
  const hub = yield* IoHub
  const { runsDir } = yield* Settings
  const files = yield* makeSpawnFiles(paths)
  const context = yield* Effect.context<Effect.Services<ReturnType<typeof sha256>>>()
  /** Spawns have fibers of their own: the run ends them, and a program that hangs up does not. */
  const running = yield* FiberSet.make()
  /** The remains of agents that have answered are ended while the program continues. */
  const cleaning = yield* FiberSet.make()
  let started = 0
  let ending: string | undefined

  const carryOut = Effect.fnUntraced(function* (spawnId: SpawnId, input: SpawnOptions, key: string) {
    const defaultModel = driver.defaultModelFor(input)
    yield* log.append({
      type: "spawn:start",
      payload: { spawnId, input, key, driver: driver.name, defaultModel },
    })
    let sessionRef: string | undefined
    let readReport = (): AgentReport | undefined => undefined
    const request: DriverRequest = {
      runId,
      spawnId,
      input,
      env: {
        [runMarks.runId]: runId,
        [runMarks.spawnId]: spawnId,
        [runMarks.depth]: String(options.depth),
        MILL_RUNS_DIR: runsDir,
      },
      cwd: options.cwd,
      scratchDir: `${paths.runDir}/spawns/${spawnId}.scratch`,
      offerReport: (read) => {
        readReport = read
      },
      onStart: ({ pid }) => files.recordStart(spawnId, input, pid),
      onEvents: (events) => {
        for (const event of events) if (event._tag === "Session") sessionRef = event.sessionRef
        return log.appendAll(events.flatMap((event) => toSpawnEvents(spawnId, event)))
      },
      onLines: Effect.fnUntraced(function* (stream, lines, overlong = 0) {
        if (lines.length + overlong === 0) return
        const timestamp = DateTime.formatIso(yield* DateTime.now)
        yield* hub.publish(() =>
          lines.map((line) => ({ source: "driver", stream, line, timestamp, spawnId })),
        )
        yield* hub.lose("driver", overlong)
      }),
    }
    const scope = yield* Scope.make()
    const startedAt = yield* Clock.currentTimeMillis
    const exit = yield* Effect.exit(Effect.interruptible(Scope.provide(driver.run(request), scope)))
    const spawn: EndedSpawn = {
      spawnId,
      input,
      driver: driver.name,
      defaultModel,
      fallbackSessionRef: makeSessionRef(runId, spawnId),
      durationMs: (yield* Clock.currentTimeMillis) - startedAt,
    }
    // A cancelled agent must be gone before its terminal event; one that has answered is cleaned up concurrently.
    const close = Scope.close(scope, exit)
    if (Exit.isSuccess(exit)) yield* FiberSet.run(cleaning, close)
    else yield* close
    const known = Exit.isSuccess(exit) ? undefined : (readReport() ?? emptyReport)
    const terminal = toTerminalEvent(
      spawn,
      exit,
      ending,
      known && { ...known, outcome: { sessionRef, ...defined(known.outcome) } },
    )
    yield* log.append(terminal)
    // The log has the outcome, so nothing waits for the file.
    yield* FiberSet.run(cleaning, files.recordEnd(spawnId, input, terminal))
    return terminal
  }, Effect.uninterruptible)

  /** Carries out one spawn; `raw` is the argument of `mill.spawn`, unchecked. */
  const spawn = Effect.fn("Spawner.spawn")(function* (raw: unknown) {
    const input = yield* decodeSpawnInput(raw)
    if (ending !== undefined)
      return yield* new SpawnFailure({ cause: "run-ending", message: `the run is ending: ${ending}` })
    const key = yield* Effect.provideContext(sha256(toCanonicalJson(input)), context)
    // Numbered just before its first event, so that the numbers follow the order of the log.
    started += 1
    const spawnId = makeSpawnId(started)
    const ended = yield* Deferred.make<SpawnTerminal, Effect.Error<ReturnType<typeof carryOut>>>()
    const work = Effect.uninterruptible(Deferred.into(carryOut(spawnId, input, key), ended))
    // The fiber of a cancelled spawn ends as interrupted, so its result is not in the fiber.
    yield* Fiber.await(yield* FiberSet.run(running, work))
    yield* Deferred.interrupt(ended)
    const exit = yield* Effect.exit(Deferred.await(ended))
    if (Exit.isFailure(exit)) {
      const message = `the spawn could not be recorded in the run's event log: ${Cause.pretty(exit.cause)}`
      return yield* new SpawnFailure({ cause: "run-ending", message, spawnId })
    }
    return yield* answerSpawn(exit.value)
  })

  /** Waits until no spawn is running and every ended one has been cleaned up. */
  const awaitIdle = Effect.andThen(FiberSet.awaitEmpty(running), FiberSet.awaitEmpty(cleaning))
  /** Refuses new spawns, ends the running agents, and waits until each spawn has its terminal event. */
  const cancelAll = Effect.fn("Spawner.cancelAll")(function* (reason: string) {
    ending ??= reason
    yield* FiberSet.clear(running)
    yield* awaitIdle
  })
  return { spawn, cancelAll, awaitIdle }
})
export type Spawner = Effect.Success<ReturnType<typeof makeSpawner>>
