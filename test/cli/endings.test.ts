/** How programs end, and the status of their runs. */
import { describe, expect, test } from "bun:test"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import {
  waitFor,
  isAlive,
  formatJsonlDriver,
  makeWorld,
  filterEvents,
  writeConfig,
  writeScript,
} from "../support/mill.ts"
import { executors, formatReadableExecutor } from "../support/sandbox.ts"

const world = makeWorld()
const answer = `echo '{"type":"result","text":"done"}'`
const drivers = {
  instant: formatJsonlDriver(writeScript(world, "instant", answer)),
  fails: formatJsonlDriver(writeScript(world, "fails", `echo 'no licence' >&2; exit 9`)),
  hangs: formatJsonlDriver(writeScript(world, "hangs", `echo $$ > "pid.$MILL_RUN_ID"; exec sleep 1000`)),
}
writeConfig(world, drivers, "mill.config.ts", `${formatReadableExecutor("lib")},`)
world.write("lib/throws.ts", `\nexport const fail = (): never => {\n  throw new RangeError("deep")\n}\n`)
world.write("lib/not-in-the-graph.ts", `const a = 1\nconst const\n`)
const spawn = `mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })`

type Failing = {
  readonly source: string
  readonly message: RegExp
  readonly cause?: "program-exit"
  /** file:line:column relative to the world; `:line:column` is in the program's own file. */
  readonly at?: string
  readonly driver?: string
}
const failing: Readonly<Record<string, Failing>> = {
  "throws an error": { source: `\n  throw new TypeError("oh")`, message: /^TypeError: oh$/, at: ":2:13" },
  "throws an error without a message": { source: `throw new Error()`, message: /^Error$/, at: ":1:11" },
  "throws an error of a custom class": {
    source: `class Mine extends Error { override name = "Mine" }\nthrow new Mine("two\\nlines")`,
    message: /^Mine: two\nlines$/,
    at: ":2:11",
  },
  "throws a string": { source: `throw "text"`, message: /threw "text"$/ },
  "throws undefined": { source: `throw undefined`, message: /threw undefined$/ },
  "throws an object": { source: `throw { code: 7 }`, message: /threw .*code: 7/s },
  "throws in a file that it imports": {
    source: `import { fail } from "./lib/throws.ts"\nfail()`,
    message: /^RangeError: deep$/,
    at: "lib/throws.ts:3:13",
  },
  "throws in a timer": {
    source: `setTimeout(() => {\n  throw new Error("late")\n}, 1)`,
    message: /^Error: late$/,
    at: ":2:13",
  },
  "rejects a promise that is not awaited": {
    source: `Promise.reject(new Error("lost"))\nawait Bun.sleep(60_000)`,
    message: /^Error: lost$/,
    at: ":1:20",
  },
  "exports a promise that is rejected": {
    source: `export default Promise.reject(new Error("late"))`,
    message: /^Error: late$/,
    at: ":1:35",
  },
  "imports a broken file on use": {
    source: `const name = "not-in-the-graph"\nawait import("./lib/" + name + ".ts")`,
    message: /const/,
    at: "lib/not-in-the-graph.ts:2:7",
  },
  "awaits a promise that never settles": {
    source: `await new Promise(() => {})\nexport default 1`,
    message: /waits for a promise that never settles/,
  },
  "exports a promise that never settles": {
    source: `export default new Promise(() => {})`,
    message: /never/,
  },
  "exits with 7": { source: `process.exit(7)`, message: /exited with code 7/, cause: "program-exit" },
  "exits with 3 by process.exitCode": {
    source: `process.exitCode = 3\nprocess.exit()`,
    message: /exited with code 3/,
    cause: "program-exit",
  },
  "sets process.exitCode to 4": {
    source: `process.exitCode = 4\nexport default 1`,
    message: /exited with code 4/,
    cause: "program-exit",
  },
  "kills itself": {
    source: `process.kill(process.pid, "SIGKILL")\nawait Bun.sleep(60_000)`,
    message: /killed by SIGKILL/,
    cause: "program-exit",
  },
  "awaits but does not handle the failure of a spawn": {
    source: `const a = 1\n  const b = await ${spawn}`,
    driver: "fails",
    message: /^MillSpawnError: fails exited with code 9: no licence$/,
    at: ":2:24",
  },
  "neither awaits nor handles the failure of a spawn": {
    source: `${spawn}\nexport default "ignored"`,
    driver: "fails",
    message: /^MillSpawnError: fails exited with code 9/,
    at: ":1:6",
  },
}

describe.each(executors)("with the executor %s, a run fails if its program", (executor) => {
  test.concurrent.each(Object.entries(failing))(
    "%s",
    async (name, { at, cause = "program-error", driver = "instant", message, source }) => {
      const file = `failing/${name.replace(/\W+/g, "-")}.ts`
      const program = world.write(file, source.replaceAll("./lib/", "../lib/"))
      const { code, events, record, result } = await world.run(program, [
        "--driver",
        driver,
        "--executor",
        executor,
      ])
      const location = at?.startsWith(":") === true ? `${program}${at}` : at && join(world.dir, at)
      const [failed, ...more] = filterEvents(events, "run:failed").map(({ payload }) => payload)
      const errorMessage = failed?.message
      expect(failed as object).toEqual({
        message: expect.stringMatching(message),
        cause,
        ...(location === undefined ? {} : { location }),
      })
      expect([more, events.at(-1)?.type]).toEqual([[], "run:failed"])
      for (const source of [record, result]) {
        expect(source).toMatchObject({ status: "failed", errorMessage })
        expect(source.errorLocation).toBe(location)
      }
      expect(record.spawns.running).toBe(0)
      expect(code).toBe(1)
    },
  )
})

const completing: Readonly<Record<string, readonly [source: string, result: unknown, driver?: string]>> = {
  "does not await its spawns": [`${spawn}; ${spawn}\nexport default "early"`, "early"],
  "spawns in a timer": [
    `const done: string[] = []\nsetTimeout(async () => done.push((await ${spawn}).text, (await ${spawn}).text), 5)\nexport default done`,
    ["done", "done"],
  ],
  "handles the failures of its spawns": [
    `const outcomes = await Promise.allSettled([${spawn}, ${spawn}])\nexport default outcomes.map(({ status }) => status)`,
    ["rejected", "rejected"],
    "fails",
  ],
  "handles unhandled rejections": [
    `const seen: string[] = []\nprocess.on("unhandledRejection", (error: Error) => seen.push(error.name))\nvoid ${spawn}.then(() => {})\nvoid Promise.reject(new RangeError())\nexport default new Promise((resolve) => setTimeout(() => resolve(seen), 300))`,
    ["RangeError", "MillSpawnError"],
    "fails",
  ],
}

describe.each(executors)("with the executor %s, a run completes if its program", (executor) => {
  test.concurrent.each(Object.entries(completing))(
    "%s",
    async (name, [source, expected, driver = "instant"]) => {
      const program = world.write(`completing/${name.replace(/\W+/g, "-")}.ts`, source)
      const { code, record, result } = await world.run(program, ["--driver", driver, "--executor", executor])
      expect({ error: result.errorMessage, value: result.programResult as unknown }).toEqual({
        error: undefined,
        value: expected,
      })
      expect(result.spawns.map(({ status }) => `${status}`)).toEqual(
        Array.from({ length: record.spawns.started }, () => (driver === "fails" ? "error" : "complete")),
      )
      expect(code).toBe(0)
    },
  )
})

describe.each([
  [0, "complete"],
  [4, "failed"],
] as const)("process.exit(%i) while an agent runs", (exitCode, status) => {
  test(`terminates the agent, and the run is ${status}`, async () => {
    const program = world.write(
      `exits-${exitCode}.ts`,
      `import { existsSync } from "node:fs"
${spawn}.catch(() => {})
const timer = setInterval(() => existsSync("let-go.${exitCode}") && process.exit(${exitCode}), 5)`,
    )
    const submitted = await world.mill(["run", program, "--json", "--driver", "hangs"])
    const { runId } = JSON.parse(submitted.stdout)
    const file = join(world.dir, `pid.${runId}`)
    await waitFor("the agent to start", () => existsSync(file) && readFileSync(file, "utf8").endsWith("\n"))
    const pid = Number(readFileSync(file, "utf8"))
    expect(isAlive(pid)).toBe(true)
    world.write(`let-go.${exitCode}`, "")
    const waited = await world.mill(["wait", runId, "--json"])
    const { spawns, status: ended } = JSON.parse(waited.stdout)
    expect(isAlive(pid)).toBe(false)
    expect(ended).toBe(status)
    expect(spawns).toEqual({ started: 1, running: 0, complete: 0, error: 0, cancelled: 1 })
    expect(world.readEvents(runId).map(({ type }) => `${type}`)).toEqual([
      "run:start",
      "run:status",
      "spawn:start",
      "spawn:cancelled",
      `run:${status}`,
    ])
    expect(waited.code).toBe(exitCode === 0 ? 0 : 1)
  })
})
