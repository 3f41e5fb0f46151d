/** The spawns of one run, with a scripted driver and a real event log: the order of events, and how spawns end. */
import { afterAll, expect, test } from "bun:test"
import { mkdtempSync, mkdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Deferred, Effect, Fiber, Layer, Logger, ManagedRuntime, type Scope } from "effect"
import { DriverEvent } from "../../../src/domain/driver.schema.ts"
import type { MillEvent } from "../../../src/domain/event.schema.ts"
import type { AgentReport } from "../../../src/domain/spawn-verdict.schema.ts"
import { Settings } from "../../../src/internal/config/settings.effect.ts"
import { IoHub } from "../../../src/internal/control/io-hub.effect.ts"
import type { Driver, DriverRequest } from "../../../src/internal/drivers/driver.effect.ts"
import { makeSpawner, type Spawner } from "../../../src/internal/engine/spawner.effect.ts"
import { Processes } from "../../../src/internal/process/processes.effect.ts"
import { openEventLog } from "../../../src/internal/store/event-log.effect.ts"
import { pathsIn } from "../../../src/internal/store/run-paths.ts"
import { layer as platform } from "../../../src/runtime/platform/platform.effect.ts"
import * as Digest from "../../../src/runtime/platform/digest.effect.ts"
import { bodies, runId } from "../../domain/bodies.ts"
import { eventsIn } from "../store/logs.ts"

const folder = mkdtempSync(join(tmpdir(), "mill-spawner-"))
const layer = Layer.mergeAll(
  platform,
  Digest.layer,
  IoHub.layer,
  // The spawner reads nothing else of the settings.
  Layer.succeed(Settings, { runsDir: folder } as typeof Settings.Service),
  Layer.mock(Processes)({ identify: () => Effect.succeed(undefined) }),
  Logger.layer([]),
)
const runtime = ManagedRuntime.make(layer)
afterAll(async () => {
  await runtime.dispose()
  rmSync(folder, { recursive: true, force: true })
})

const report = (text: string): AgentReport => ({
  outcome: { final: true, text },
  exit: { code: 0, overlongLines: 0 },
  stderr: "",
})
const input = (prompt: string) => ({ agent: "a", systemPrompt: "s", prompt, model: "m" })

type Stage = { readonly spawner: Spawner; readonly events: () => ReadonlyArray<MillEvent> }

let count = 0
/** Runs a test with the spawner of a run that has started; its driver is `run`. */
const withSpawner = <A, E>(
  run: (request: DriverRequest, events: Stage["events"]) => ReturnType<Driver["run"]>,
  use: (stage: Stage) => Effect.Effect<A, E, Scope.Scope>,
): Promise<A> =>
  runtime.runPromise(
    Effect.gen(function* () {
      count += 1
      const paths = pathsIn(join(folder, `run-${count}`))
      mkdirSync(join(paths.runDir, "spawns"), { recursive: true })
      const log = yield* openEventLog(runId, paths.eventsFile)
      yield* log.append(bodies(1)[0]!)
      const events = () => eventsIn(paths.eventsFile)
      const driver: Driver = {
        name: "scripted",
        defaultModelFor: () => undefined,
        run: (request) => run(request, events),
      }
      const spawner = yield* makeSpawner({ runId, paths, cwd: folder, depth: 0, driver, log })
      return yield* use({ spawner, events })
    }).pipe(Effect.scoped),
  )

const typesOf = (events: ReadonlyArray<MillEvent>) => events.map(({ type }) => `${type}`)

test("the start is on disk before the driver runs, and the terminal event before the answer", () =>
  withSpawner(
    ({ input: { prompt } }, events) =>
      Effect.sync(() => report(`${prompt} after ${typesOf(events()).join(" ")}`)),
    Effect.fnUntraced(function* ({ events, spawner }) {
      const { text } = yield* spawner.spawn(input("hi"))
      expect(text).toBe("hi after run:start spawn:start")
      expect(typesOf(events())).toEqual(["run:start", "spawn:start", "spawn:complete"])
    }),
  ))

test("spawns run concurrently, and are numbered in the order of the log", () => {
  const prompts = Array.from({ length: 20 }, (_, index) => `prompt ${index}`)
  const all = Deferred.makeUnsafe<void>()
  let running = 0
  return withSpawner(
    Effect.fnUntraced(function* ({ input: { prompt } }) {
      running += 1
      if (running === prompts.length) yield* Deferred.succeed(all, undefined)
      yield* Deferred.await(all)
      return report(prompt)
    }),
    Effect.fnUntraced(function* ({ events, spawner }) {
      const answers = yield* Effect.forEach(prompts, (prompt) => spawner.spawn(input(prompt)), {
        concurrency: "unbounded",
      })
      expect(answers.map(({ text }) => text)).toEqual(prompts)
      const started = events().flatMap((event) =>
        event.type === "spawn:start" ? [`${event.payload.spawnId}`] : [],
      )
      expect(started).toEqual(prompts.map((_, index) => `spawn_${index + 1}`))
    }),
  )
})

test("invalid input fails its own spawn, and is not logged", () =>
  withSpawner(
    () => Effect.succeed(report("")),
    Effect.fnUntraced(function* ({ events, spawner }) {
      const failure = yield* Effect.flip(spawner.spawn({ ...input("hi"), model: 5 }))
      expect(failure.cause).toBe("invalid-input")
      expect(failure.message).toContain("model")
      expect(typesOf(events())).toEqual(["run:start"])
    }),
  ))

test("a driver that dies fails its spawn with its error", () =>
  withSpawner(
    () => Effect.die(new Error("bug in a codec")),
    Effect.fnUntraced(function* ({ events, spawner }) {
      const failure = yield* Effect.flip(spawner.spawn(input("hi")))
      expect(failure.cause).toBe("codec")
      expect(failure.message).toContain("bug in a codec")
      expect(typesOf(events())).toEqual(["run:start", "spawn:start", "spawn:error"])
    }),
  ))

test("cancelling ends the driver before the terminal event, and refuses new spawns", () => {
  const running = Deferred.makeUnsafe<void>()
  let loggedAtRelease: ReadonlyArray<string> = []
  return withSpawner(
    Effect.fnUntraced(function* (request, events) {
      yield* Effect.addFinalizer(() => Effect.sync(() => (loggedAtRelease = typesOf(events()))))
      yield* request.onEvents([DriverEvent.Session({ sessionRef: "abc" })])
      yield* request.onEvents([DriverEvent.Milestone({ message: "running" })])
      yield* Deferred.succeed(running, undefined)
      return yield* Effect.never
    }),
    Effect.fnUntraced(function* ({ events, spawner }) {
      const answer = yield* Effect.forkScoped(Effect.flip(spawner.spawn(input("hi"))))
      yield* Deferred.await(running)
      yield* spawner.cancelAll("enough")
      const failure = yield* Fiber.join(answer)
      expect(failure.cause).toBe("cancelled")
      expect(failure.message).toBe("the spawn was cancelled: enough")
      expect(failure.result?.sessionRef).toBe("abc")
      expect(loggedAtRelease).toContain("spawn:start")
      expect(loggedAtRelease).not.toContain("spawn:cancelled")
      expect(typesOf(events())).toEqual(["run:start", "spawn:start", "spawn:milestone", "spawn:cancelled"])
      const refused = yield* Effect.flip(spawner.spawn(input("again")))
      expect([refused.cause, refused.message]).toEqual(["run-ending", "the run is ending: enough"])
    }),
  )
})
