/** Functions that extensions add to the global `mill`. */
import { expect, test } from "bun:test"
import { cpSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { makeWorld, millCommand, filterEvents, repository } from "../support/mill.ts"
import { formatWaitForErrors, writeExtensions } from "./extension-world.ts"

const world = makeWorld()

test.concurrent("arguments and results are passed as JSON", async () => {
  const demo = writeExtensions(
    world,
    "values",
    `{ name: "echo", api: {
         all: async (...args) => args,
         count: async (...args) => args.length,
         nothing: async () => {},
         at_once: () => "now",
         date: async () => ({ at: new Date(0), gone: undefined }),
         own() { return Promise.resolve(Object.keys(this).length) },
       } },
     { name: "silent" }`,
    `const value = { a: [1, "two", null, { b: true }], c: "é\\u2028😀" }
     const big = "x".repeat(3_000_000)
     const { echo, silent } = mill
     let frozen = 0
     for (const change of [() => { echo.all = 1 }, () => { mill.echo = 1 }]) try { change() } catch { frozen += 1 }
     export default {
       value: await echo.all(value, [], -0.5), none: await echo.count(), trailing: await echo.count(1, undefined),
       nothing: [await echo.nothing() === undefined], now: await echo.at_once(), date: await echo.date(),
       big: (await echo.all(big))[0] === big, own: await echo.own(), names: Object.keys(echo), silent, frozen,
     }`,
  )
  const { result, record } = await demo.run()
  const names = ["all", "at_once", "count", "date", "nothing", "own"]
  expect(result.programResult).toEqual({
    value: [{ a: [1, "two", null, { b: true }], c: "é\u2028😀" }, [], -0.5],
    none: 0,
    trailing: 1,
    nothing: [true],
    now: "now",
    date: { at: "1970-01-01T00:00:00.000Z" },
    big: true,
    own: 6,
    names,
    silent: {},
    frozen: 2,
  })
  expect(JSON.parse(readFileSync(record.paths.planFile, "utf8")).extensions).toEqual([
    { name: "echo", api: names },
    { name: "silent", api: [] },
  ])
})

test.concurrent("functions may have the names of object methods, and String(mill) shows the extension", async () => {
  const demo = writeExtensions(
    world,
    "strings",
    `{ name: "ok", api: { toString: async () => "called", valueOf: async () => 1 } }, { name: "toString" }`,
    "export default [String(mill), `${mill.ok}`, mill.ok + '', await mill.ok.toString(), Object.keys(mill.ok)]",
  )
  const { result } = await demo.run()
  expect(result.programResult).toEqual([
    "[object mill]",
    "[object mill.ok]",
    "[object mill.ok]",
    "called",
    ["toString", "valueOf"],
  ])
})

test.concurrent("a failing call rejects, can be caught and is logged", async () => {
  const demo = writeExtensions(
    world,
    "failures",
    `{ name: "bad", api: {
         rejects: async () => { throw new RangeError("out of luck") },
         throws: () => { throw "a string" },
         part: async () => ({ list: [1, { f: () => 1 }] }),
         loops: async () => { const a = {}; a.a = a; return a },
         odd: async () => ({ toJSON() { throw new Error("no JSON") } }),
         takes: async (value) => value,
       } }`,
    `const report = []
     for (const ask of [
       () => mill.bad.rejects(), () => mill.bad.throws(), () => mill.bad.part(), () => mill.bad.loops(), () => mill.bad.odd(),
       () => mill.bad.takes({ a: [1n] }), () => mill.bad.takes(undefined, 1), () => mill.bad.takes(new Map()),
     ]) {
       await ask().then(() => report.push("no error"), (error) => report.push({ ...error, name: error.name, message: error.message,
         here: error.stack.split("\\n")[1].includes("program.ts"), isError: error instanceof Error }))
     }
     const again = await mill.bad.rejects().catch(({ message }) => message)
     export default { report, again }`,
  )
  const { events, record, result } = await demo.run()
  expect(record.status).toBe("complete")
  const failure = (name: string, message: string) => ({
    name: "MillExtensionError",
    extension: "bad",
    function: name,
    message,
    here: true,
    isError: true,
  })
  const inWorker = [
    ["rejects", "out of luck"],
    ["throws", "a string"],
    ["part", "the result is not JSON: $.list[1].f is a function"],
    ["loops", "the result is not JSON: $.a contains itself"],
    ["odd", "the result is not JSON: Error: no JSON"],
  ] as const
  expect(result.programResult).toEqual({
    report: [
      ...inWorker.map(([name, message]) => failure(name, message)),
      failure("takes", "mill.bad.takes: argument 1 is not JSON: $.a[0] is a BigInt"),
      failure("takes", "mill.bad.takes: argument 1 is not JSON: it is undefined"),
      failure("takes", "mill.bad.takes: argument 1 is not JSON: $ is a Map"),
    ],
    again: "out of luck",
  })
  expect(filterEvents(events, "extension:error").map(({ payload }) => payload)).toEqual(
    inWorker.map(([name, message]) => ({
      extensionName: "bad",
      hook: "api",
      message: `${name}: ${message}`,
    })),
  )
})

test.concurrent("an uncaught failure fails the run at the line of the call", async () => {
  const demo = writeExtensions(
    world,
    "uncaught",
    `{ name: "bad", api: { rejects: async () => { throw new Error("out of luck") } } }`,
    `export default 1\n\nvoid mill.bad.rejects()`,
  )
  const { code, events } = await demo.run()
  expect(code).toBe(1)
  expect(events.at(-1)).toMatchObject({
    type: "run:failed",
    payload: { message: "MillExtensionError: out of luck", location: `${demo.cwd}/program.ts:3:15` },
  })
})

test.concurrent("calls run concurrently with each other and with spawns", async () => {
  const demo = writeExtensions(
    world,
    "together",
    // Each call waits for another one.
    `{ name: "meet", api: {
         wait: async (name) => { while (!existsSync(name)) await Bun.sleep(5); return name },
         make: async (name) => writeFileSync(name, ""),
       } }`,
    `const spawn = (prompt) => mill.spawn({ agent: "a", systemPrompt: "s", prompt, model: "m" })
     const waits = [mill.meet.wait("one"), mill.meet.wait("two"), mill.meet.wait("three")]
     await spawn("p")
     await mill.meet.make("three")
     await mill.meet.make("two")
     await mill.meet.make("one")
     export default await Promise.all(waits)`,
  )
  const { result } = await demo.run()
  expect(result.programResult).toEqual(["one", "two", "three"])
})

test.concurrent("the run waits for a call that the program does not await", async () => {
  const demo = writeExtensions(
    world,
    "unawaited",
    `{ name: "slow", api: { note: async (cwd) => { await Bun.sleep(50); write(cwd, "called") } },
       onEvent: (event, ctx) => event.type === "run:complete" ? note(ctx, "complete") : Effect.void }`,
    `void mill.slow.note(mill.run.cwd)\nexport default 1`,
  )
  expect((await demo.run()).record.status).toBe("complete")
  await demo.waitForNote("complete")
  expect(demo.readNotes()).toEqual(["called", "complete"])
})

test.concurrent("a call that never returns does not prevent cancelling the run or exiting the program", async () => {
  const never = `{ name: "hangs", api: { f: (cwd) => { write(cwd, "called"); return new Promise(() => {}) } } }`
  const demo = writeExtensions(world, "hanging", never, `await mill.hangs.f(mill.run.cwd)`)
  const { runId } = JSON.parse((await demo.mill("run", "program.ts", "--json")).stdout)
  await demo.waitForNote("called")
  expect((await demo.mill("cancel", runId)).code).toBe(0)
  expect((await demo.mill("wait", runId, "--timeout", "20")).code).toBe(130)

  const exits = writeExtensions(
    world,
    "exiting",
    never,
    `void mill.hangs.f(mill.run.cwd)\nawait Bun.sleep(20)\nprocess.exit(0)`,
  )
  expect((await exits.run()).record.status).toBe("complete")
})

test.concurrent("a configuration may use its own copy of effect", async () => {
  const demo = writeExtensions(
    world,
    "own-copy",
    `{ name: "own",
       setup: (ctx) => Effect.gen(function* () {
         yield* Effect.acquireRelease(note(ctx, "same: " + (Effect.gen === Core.gen)), () => Effect.delay(note(ctx, "released"), 5))
         yield* Effect.forkScoped(Effect.never)
         yield* Effect.timeoutOption(Effect.never, "5 millis")
       }),
       onEvent: (event, ctx) => Effect.gen(function* () {
         yield* Effect.sleep(1)
         if (event.type === "run:log") yield* Effect.fail(new Error("no logs"))
         yield* note(ctx, event.type)
       }) }`,
    `mill.log("x")${formatWaitForErrors(1)}export default 1`,
  )
  const config = readFileSync(join(demo.cwd, "mill.config.ts"), "utf8")
  world.write("own-copy/mill.config.ts", `import { Effect as Core } from "@mill/core"\n${config}`)
  for (const part of ["package.json", "dist"]) {
    cpSync(join(repository, "node_modules/effect", part), join(demo.cwd, "node_modules/effect", part), {
      recursive: true,
      filter: (path) => !/\.(?:map|d\.ts)$/.test(path),
    })
  }
  const { events, record } = await demo.run()
  expect(record.status).toBe("complete")
  expect(filterEvents(events, "extension:error").map(({ payload }) => payload.message)).toEqual(["no logs"])
  await demo.waitForNote("released")
  expect(demo.readNotes()).toEqual(["same: false", "run:start", "run:status", "run:complete", "released"])
})

// The single executable contains no packages.
test.skipIf(millCommand.length === 1)(
  "a configuration without node_modules may import all of effect",
  async () => {
    const demo = writeExtensions(
      world,
      "none",
      `{ name: "streams", setup: (ctx) => Stream.range(1, 3).pipe(
         Stream.runFold(() => 0, (sum, n) => sum + n), Effect.flatMap((sum) => note(ctx, sum))) }`,
    )
    const config = readFileSync(join(demo.cwd, "mill.config.ts"), "utf8")
    world.write("none/mill.config.ts", `import * as Stream from "effect/Stream"\n${config}`)
    expect((await demo.run()).record.status).toBe("complete")
    expect(demo.readNotes()).toEqual(["6"])
  },
)

test.concurrent("an extension that exits the process does not end the run", async () => {
  const demo = writeExtensions(
    world,
    "exits",
    `{ name: "bad",
       setup: () => Effect.sync(() => setTimeout(() => process.exit(7), 1)),
       onEvent: (event) => Effect.sync(() => { if (event.type === "spawn:complete") process.exit(8) }),
       api: { now: () => process.exit(), named: async () => (await import("node:process")).exit(9) } }`,
    `const readMessage = (error) => error.message
     export default [
       await mill.bad.now().catch(readMessage),
       await mill.bad.named().catch(readMessage),
       (await mill.spawn({ agent: "a", systemPrompt: "s", prompt: "[say alive]", model: "m" })).text,
     ]
     ${formatWaitForErrors(3)}`,
  )
  const { code, events, result } = await demo.run()
  const refused = (exit: string) => `an extension cannot terminate the run's process (process.exit(${exit}))`
  expect(code).toBe(0)
  expect(result.programResult).toEqual([refused(""), refused("9"), "alive"])
  expect(
    filterEvents(events, "extension:error").map(({ payload: { hook, message } }) => ({ hook, message })),
  ).toEqual([
    { hook: "api", message: `now: ${refused("")}` },
    { hook: "api", message: `named: ${refused("9")}` },
    { hook: "onEvent", message: refused("8") },
  ])
})
