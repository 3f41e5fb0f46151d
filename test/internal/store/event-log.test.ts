/** The one writer of a run's log, on real files: order, numbers, refusals, and repair of a torn line. */
import { afterAll, describe, expect, test } from "bun:test"
import { appendFileSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { Arbitrary, Effect, Exit } from "effect"
import { type EventBody, isDurable } from "../../../src/domain/event.schema.ts"
import { makeSpawnId } from "../../../src/domain/ids.schema.ts"
import { openEventLog } from "../../../src/internal/store/event-log.effect.ts"
import { foldLog } from "../../../src/internal/store/event-log-reader.effect.ts"
import { anyBodies, bodies, endsOnce, Model, runId, spawnBodies } from "../../domain/bodies.ts"
import { integer } from "../../support/property.ts"
import { closeLogs, eventsIn, gapless, newLog, propertyEffect, run } from "./logs.ts"

afterAll(closeLogs)

const [start, , log, , complete, failed] = bodies(1) as ReadonlyArray<EventBody> &
  Record<0 | 2 | 4 | 5, EventBody>

const never: EventBody = {
  type: "spawn:cancelled",
  payload: { spawnId: makeSpawnId(99) },
}

/** A spawn from its start to one of its ends, with some of what may come between. */
const lifecycle = (n: number, between: ReadonlyArray<number>, end: number): ReadonlyArray<EventBody> => {
  const [first, milestone, tool, ...ends] = spawnBodies(n)
  const middle = between.map((kind) => (kind === 0 ? milestone : tool))
  return [first, ...middle, ends[end]].filter((body) => body !== undefined)
}
const lifecycles = Arbitrary.array(
  Arbitrary.all([Arbitrary.array(integer(0, 1), { maxLength: 6 }), integer(0, 2), integer(0, 5)]),
  { maxLength: 12 },
)

propertyEffect(
  "spawns that live side by side leave a log without gaps that folds, and each ends once",
  lifecycles,
  Effect.fnUntraced(function* (spawns) {
    const path = newLog()
    const writer = yield* openEventLog(runId, path)
    yield* writer.append(start)
    yield* Effect.forEach(
      spawns,
      Effect.fnUntraced(function* ([between, end, yields], index) {
        for (const body of lifecycle(index + 1, between, end)) {
          for (let n = 0; n < yields; n++) yield* Effect.yieldNow
          yield* writer.append(body)
        }
      }),
      { concurrency: "unbounded" },
    )
    yield* writer.append(complete)
    const events = eventsIn(path)
    const { counts, status } = yield* foldLog(path)
    return (
      gapless(events) &&
      endsOnce(events) &&
      events.length === 2 + spawns.reduce((sum, [between]) => sum + 2 + between.length, 0) &&
      status === "complete" &&
      counts.started === spawns.length &&
      counts.running === 0
    )
  }),
  60,
)

propertyEffect(
  "what may not follow is refused and leaves no line, whoever else appends at the same time",
  anyBodies,
  Effect.fnUntraced(function* (all) {
    const path = newLog()
    const accepted = yield* Effect.scoped(
      Effect.gen(function* () {
        const writer = yield* openEventLog(runId, path)
        const exits = yield* Effect.forEach(all, (body) => Effect.exit(writer.append(body)), {
          concurrency: "unbounded",
        })
        // Behind all the others, and never legal: when it has been refused they have been written.
        yield* Effect.ignore(writer.append(never))
        return exits.map(Exit.isSuccess)
      }),
    )
    const model = new Model()
    const expected = all.map((body) => model.accept(body))
    const events = eventsIn(path)
    return (
      gapless(events) &&
      Bun.deepEquals(
        events.map(({ payload, type }) => ({ type, payload })),
        all.filter((_, index) => expected[index]),
      ) &&
      // An event that need not be durable is in line when `append` returns; its refusal is told in the worker's log.
      all.every((body, index) =>
        isDurable(body) ? accepted[index] === expected[index] : accepted[index] === true,
      )
    )
  }),
  60,
)

test("append returns when a durable event is in the file", async () => {
  const path = newLog()
  const lines = await run(
    Effect.gen(function* () {
      const writer = yield* openEventLog(runId, path)
      yield* writer.append(start)
      yield* writer.appendAll([log, log])
      for (const body of lifecycle(1, [0, 1], 0)) yield* writer.append(body)
      return eventsIn(path).map(({ type }) => `${type}`)
    }),
  )
  expect(lines).toEqual([
    "run:start",
    "run:log",
    "run:log",
    "spawn:start",
    "spawn:milestone",
    "spawn:tool_call",
    "spawn:complete",
  ])
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

describe("a log that was cut off at any byte", () => {
  const whole = async () => {
    const path = newLog()
    await run(
      Effect.gen(function* () {
        const writer = yield* openEventLog(runId, path)
        const all = [
          start,
          log,
          ...lifecycle(1, [0, 1], 0),
          ...lifecycle(2, [], 1),
          spawnBodies(3)[0],
          spawnBodies(3)[5],
        ]
        for (const body of all) if (body !== undefined) yield* writer.append(body)
      }),
    )
    return readFileSync(path)
  }
  /** How many lines of it are whole. */
  const wholeLines = (bytes: Uint8Array) => bytes.filter((byte) => byte === 10).length

  test("is read up to its last whole line", async () => {
    const bytes = await whole()
    const cut = newLog()
    await run(
      Effect.gen(function* () {
        for (let length = 0; length <= bytes.length; length++) {
          const prefix = bytes.subarray(0, length)
          writeFileSync(cut, prefix)
          const { sequence } = yield* foldLog(cut)
          if (sequence !== wholeLines(prefix)) throw new Error(`cut at ${length}: ${sequence} events`)
        }
      }),
    )
    expect(wholeLines(bytes)).toBe(10)
  }, 120_000)

  test("is repaired by its next writer, which continues where it ended", async () => {
    const bytes = await whole()
    await run(
      Effect.gen(function* () {
        for (let length = 0; length <= bytes.length; length += 7) {
          const prefix = bytes.subarray(0, length)
          const cut = newLog()
          writeFileSync(cut, prefix)
          const lines = wholeLines(prefix)
          yield* Effect.scoped(
            Effect.gen(function* () {
              const writer = yield* openEventLog(runId, cut)
              if (lines === 0) yield* writer.append(start)
              yield* writer.append({ type: "spawn:start", payload: startOf(99) })
            }),
          )
          const events = eventsIn(cut)
          if (!gapless(events) || events.length !== lines + (lines === 0 ? 2 : 1))
            throw new Error(`cut at ${length}: ${events.length} events`)
          if (
            !readFileSync(cut, "utf8").startsWith(prefix.subarray(0, prefix.lastIndexOf(10) + 1).toString())
          )
            throw new Error(`cut at ${length}: what was whole has changed`)
        }
      }),
    )
    expect(bytes.length).toBeGreaterThan(1000)
  }, 120_000)
})

const startOf = (n: number) => {
  const body = spawnBodies(n)[0]
  if (body?.type !== "spawn:start") throw new Error("no start")
  return { ...body.payload, spawnId: makeSpawnId(n) }
}

test("a log with a broken line in the middle is not opened for writing", async () => {
  const path = newLog()
  await run(
    Effect.flatMap(openEventLog(runId, path), (writer) =>
      Effect.andThen(writer.append(start), writer.append(failed)),
    ),
  )
  const bytes = readFileSync(path)
  for (const wrong of ["garbage\n", "\n", bytes.toString()]) {
    writeFileSync(path, bytes)
    appendFileSync(path, wrong)
    const exit = await run(Effect.exit(Effect.scoped(openEventLog(runId, path))))
    expect(Exit.isFailure(exit)).toBe(true)
    expect(readFileSync(path, "utf8")).toBe(bytes.toString() + wrong)
  }
})
