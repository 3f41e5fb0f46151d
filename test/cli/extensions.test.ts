/** The hooks of extensions: what they receive, and that they cannot harm a run. */
import { expect, test } from "bun:test"
import { waitFor, makeWorld, filterEvents } from "../support/mill.ts"
import { formatWaitForErrors, writeExtensions, readWorkerLog, waitForWorkers } from "./extension-world.ts"

const world = makeWorld()

const spawn = `await mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p [tool grep x] [milestone there]", model: "m" })`

const lifetime = `{
  name: "demo",
  setup: (ctx) => Effect.acquireRelease(
    Effect.delay(note(ctx, "setup " + /"type":"(run:\\w+)"/.exec(log(ctx))[1]), "20 millis"),
    () => note(ctx, "released after " + /"type":"(run:(complete|failed|cancelled))"/.exec(log(ctx))?.[1]),
  ),
}`
const begin = `import { appendFileSync } from "node:fs"\nappendFileSync("notes", "program\\n")\n`
const endings = {
  "run:complete": "export default 1",
  "run:failed": `throw new Error("no")`,
  "run:cancelled": "await new Promise((resolve) => setTimeout(resolve, 1e8))",
}

test.concurrent.each(Object.entries(endings))(
  "a resource that setup acquires is released after the run: %s",
  async (ending, program) => {
    const demo = writeExtensions(world, ending.replace(":", "-"), lifetime, begin + program)
    const started = await demo.mill("run", "program.ts", "--json")
    const { runId } = JSON.parse(started.stdout)
    await demo.waitForNote("program")
    if (ending === "run:cancelled") await demo.mill("cancel", runId)
    await demo.waitForNote(`released after ${ending}`)
    expect(demo.readNotes()).toEqual(["setup run:start", "program", `released after ${ending}`])
    expect(world.readEvents(runId).at(-1)?.type).toBe(ending as "run:complete")
  },
)

test.concurrent("onEvent receives each event of the log once and in order", async () => {
  const demo = writeExtensions(
    world,
    "all-events",
    `{ name: "demo", onEvent: (event, ctx) => Effect.delay(note(ctx, JSON.stringify(event)), event.sequence % 3) }`,
    `mill.log("one")\n${spawn}\nmill.log("two")\nexport default 1`,
  )
  const { events, record } = await demo.run("--meta", "a=b")
  await waitFor("a note for each event", () => demo.readNotes().length === events.length)
  expect(demo.readNotes().map((line) => JSON.parse(line))).toEqual([...events])
  expect(events.map(({ type }) => type)).toContain("spawn:tool_call")
  expect(record.status).toBe("complete")
})

test.concurrent("an event for onEvent has no key for what is unknown", async () => {
  const demo = writeExtensions(
    world,
    "event-keys",
    `{ name: "demo", onEvent: (event, ctx) => {
      const { result = {} } = event.payload
      const parts = [event.payload, result, ...(result.spawns ?? [])]
      return note(ctx, parts.some((part) => Object.values(part).includes(undefined)) ? event.type : "fine")
    } }`,
    `${spawn}\nexport default 1`,
  )
  const { events } = await demo.run()
  await waitFor("a note for each event", () => demo.readNotes().length === events.length)
  expect(new Set(demo.readNotes())).toEqual(new Set(["fine"]))
})

test.concurrent("an extension cannot change an event for others", async () => {
  const spoil = `Effect.sync(() => { if (event.type === "spawn:complete") event.payload.result.text = "spoilt" })`
  const demo = writeExtensions(
    world,
    "spoilt",
    `{ name: "one", onEvent: (event) => ${spoil} },
     { name: "two", onEvent: (event, ctx) => event.type === "spawn:complete" ? note(ctx, event.payload.result.text) : Effect.void }`,
    `export default (${spawn}).text`,
  )
  const { result } = await demo.run()
  expect(String(result.programResult)).toStartWith("This is a, rehearsing")
  await demo.waitForNote(String(result.programResult))
})

test.concurrent("a slow onEvent does not delay the run, and the number of dropped events is logged", async () => {
  // The extension waits for the end of the run.
  const demo = writeExtensions(
    world,
    "slow",
    `{ name: "slow", onEvent: (event, ctx) => Effect.andThen(untilFile(ctx.runDir + "/result.json"), note(ctx, event.type)) }`,
    `for (let n = 0; n < 5000; n += 1) mill.log(String(n))\nexport default 1`,
  )
  const { events, record } = await demo.run()
  expect(record.status).toBe("complete")
  const errors = filterEvents(events, "extension:error").map(({ payload }) => payload)
  expect(errors).toEqual([
    {
      extensionName: "slow",
      hook: "onEvent",
      message: expect.stringMatching(/^dropped \d+ events because /),
    },
  ])
  await demo.waitForNote("run:complete")
  const dropped = Number(errors[0]?.message.split(" ")[1])
  expect(dropped).toBeGreaterThan(3000)
  // All events but the dropped ones and the error itself.
  expect(demo.readNotes()).toHaveLength(events.length - dropped - 1)
  expect(demo.readNotes().at(-1)).toBe("run:complete")
})

test.concurrent("an onEvent that fails for each event is logged once per message", async () => {
  const demo = writeExtensions(
    world,
    "failing",
    `{ name: "fails", onEvent: (event) => event.type === "run:log" ? Effect.fail(new Error("no logs")) : Effect.void },
     { name: "throws", onEvent: () => { throw new TypeError("thrown") } },
     { name: "varies", onEvent: (event) => Effect.die("number " + event.sequence) },
     { name: "promises", onEvent: async () => { throw new Error("never logged") } },
     { name: "rejects", onEvent: () => Effect.tryPromise(async () => { throw new Error("rejected") }) },
     { name: "stops", onEvent: () => Effect.interrupt },
     { name: "well", onEvent: (event, ctx) => note(ctx, event.type) }`,
    `for (let n = 0; n < 200; n += 1) mill.log(String(n))\n${spawn}${formatWaitForErrors(25)}export default 1`,
  )
  const { events, record } = await demo.run()
  expect(record.status).toBe("complete")
  const of = (name: string) =>
    filterEvents(events, "extension:error").flatMap(({ payload }) =>
      payload.extensionName === name ? [payload.message] : [],
    )
  expect(of("fails")).toEqual(["no logs"])
  expect(of("throws")).toEqual(["thrown"])
  expect(of("varies")).toHaveLength(20)
  expect(of("promises")).toEqual([expect.stringMatching(/^returned a Promise instead of an Effect/)])
  expect(of("rejects")).toEqual(["rejected"])
  expect(of("stops")).toEqual(["interrupted"])
  await waitFor("a note for each event", () => demo.readNotes().length === events.length)
  await waitForWorkers(world)
  const log = readWorkerLog(world, record.id)
  expect(log).toContain("extension fails, onEvent: failed 200 times in total")
  expect(log).not.toContain("never logged")
})

test.concurrent("an extension whose setup fails is switched off; the run and other extensions continue", async () => {
  const demo = writeExtensions(
    world,
    "setups",
    `{ name: "fails", api: { f: async () => 1 }, onEvent: (_, ctx) => note(ctx, "called"),
       setup: (ctx) => Effect.andThen(Effect.acquireRelease(note(ctx, "acquired"), () => note(ctx, "released")), Effect.fail("no luck")) },
     { name: "throws", setup: () => { throw new Error("thrown") } },
     { name: "none", setup: () => undefined },
     { name: "well", api: { f: async () => "well" } }`,
    `const failure = await mill.fails.f().catch((error) => error)
     export default [failure.message, await mill.well.f()]`,
  )
  const { events, result } = await demo.run()
  expect(result.programResult).toEqual([
    "extension fails is disabled because its setup failed: no luck",
    "well",
  ])
  expect(filterEvents(events, "extension:error").map(({ payload }) => payload)).toEqual([
    { extensionName: "fails", hook: "setup", message: "no luck" },
    { extensionName: "throws", hook: "setup", message: "thrown" },
    {
      extensionName: "none",
      hook: "setup",
      message: expect.stringMatching(/^returned undefined instead of an Effect/),
    },
  ])
  expect(demo.readNotes()).toEqual(["acquired", "released"])
  const { stdout } = await demo.mill("watch", "--run", result.runId)
  expect(stdout).toContain("extension fails failed in setup: no luck")
})

test.concurrent("a run that is cancelled during the setup of an extension ends at once", async () => {
  const demo = writeExtensions(
    world,
    "hanging-setup",
    `{ name: "hangs", setup: (ctx) => Effect.andThen(note(ctx, "setup"), Effect.uninterruptible(Effect.never)) }`,
  )
  const { runId } = JSON.parse((await demo.mill("run", "program.ts", "--json")).stdout)
  await demo.waitForNote("setup")
  expect((await demo.mill("cancel", runId)).code).toBe(0)
  expect((await demo.mill("wait", runId, "--timeout", "20")).code).toBe(130)
})

test.concurrent("a hook that hangs after the end of a run is abandoned and reported in the worker's log", async () => {
  const demo = writeExtensions(
    world,
    "hanging",
    `{ name: "waits", onEvent: () => Effect.never },
     { name: "deaf", onEvent: () => Effect.uninterruptible(Effect.never) },
     { name: "keeps", setup: () => Effect.addFinalizer(() => Effect.never) },
     { name: "breaks", setup: () => Effect.addFinalizer(() => Effect.die("broken")) }`,
    `mill.log("x")\nexport default 1`,
  )
  const { record } = await demo.run()
  expect(record.status).toBe("complete")
  await waitForWorkers(world)
  const log = readWorkerLog(world, record.id)
  for (const name of ["waits", "deaf"]) {
    expect(log).toContain(`extension ${name}, onEvent: 4 events were not handled within 5 seconds`)
  }
  expect(log).toContain("extension keeps, setup: resources were not released within 5 seconds")
  expect(log).toContain("extension breaks, setup: broken")
})

test.concurrent("uncaught errors of an extension do not end the run", async () => {
  const demo = writeExtensions(
    world,
    "stray",
    `{ name: "stray", setup: () => Effect.sync(() => {
       setTimeout(() => { throw new Error("in a timer") }, 1)
       void Promise.reject(new Error("in a promise"))
     }) }`,
    `await Bun.sleep(50)\n${spawn}\nexport default 1`,
  )
  const { record } = await demo.run()
  expect(record.status).toBe("complete")
  await waitForWorkers(world)
  expect(readWorkerLog(world, record.id)).toContain("in a timer")
  expect(readWorkerLog(world, record.id)).toContain("in a promise")
})
