/** Real event logs in a temporary directory. */
import { test } from "bun:test"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Arbitrary, Effect, type FileSystem, Layer, Logger, ManagedRuntime, type Scope } from "effect"
import { decodeLogLine, type MillEvent } from "../../../src/domain/event.schema.ts"
import { layer } from "../../../src/runtime/platform/platform.effect.ts"

// What the writer refuses it tells in its log; the tests provoke much of that.
const runtime = ManagedRuntime.make(Layer.merge(layer, Logger.layer([])))
const folder = mkdtempSync(join(tmpdir(), "mill-test-"))

/** Removes the directory; for `afterAll` of the file that makes logs. Here it would run after the first file that imports this one. */
export const closeLogs = async () => {
  await runtime.dispose()
  rmSync(folder, { recursive: true, force: true })
}

let count = 0
/** A path without a file. */
export const newLog = (): string => {
  count += 1
  return join(folder, `events-${count}.ndjson`)
}

type Needs = FileSystem.FileSystem | Scope.Scope

/** Runs an effect on the real file system. */
export const run = <A, E>(effect: Effect.Effect<A, E, Needs>): Promise<A> =>
  runtime.runPromise(Effect.scoped(effect))

/** Checks a property of many values. A failure is shrunk and prints the token that replays it. */
export const propertyEffect = <A, E>(
  name: string,
  values: Arbitrary.Arbitrary<A>,
  holds: (value: A) => Effect.Effect<boolean, E, Needs>,
  runs: number,
): void =>
  test(
    name,
    async () => {
      const result = await run(
        Arbitrary.checkEffect(values, (value) => Effect.mapError(Effect.scoped(holds(value)), String), {
          runs,
        }),
      )
      const failure = Arbitrary.formatCheckFailure(result)
      if (failure !== undefined) throw new Error(failure)
    },
    120_000,
  )

/** The events of a log. Every line must be an event. */
export const eventsIn = (path: string): ReadonlyArray<MillEvent> => {
  const text = readFileSync(path, "utf8")
  if (text !== "" && !text.endsWith("\n")) throw new Error("the last line is torn")
  return text
    .split("\n")
    .slice(0, -1)
    .map((line, index) => {
      const decoded = decodeLogLine(line, index + 1)
      if (decoded._tag === "Failure") throw decoded.failure
      if (!decoded.success.known) throw new Error("a type is unknown")
      return decoded.success.event
    })
}

/** Whether the events are numbered from 1 without gaps. */
export const gapless = (events: ReadonlyArray<MillEvent>): boolean =>
  events.every(({ sequence }, index) => sequence === index + 1)
