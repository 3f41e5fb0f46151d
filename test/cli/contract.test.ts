/** The contract of every command: with `--json` only JSON on stdout, messages on stderr, and the exit code. */
import { beforeAll, describe, expect, test } from "bun:test"
import { type FinishedRun, formatJsonlDriver, makeWorld, writeConfig, writeScript } from "../support/mill.ts"

const world = makeWorld()
writeConfig(world, {
  instant: formatJsonlDriver(writeScript(world, "instant", `echo '{"type":"result","text":"one"}'`)),
})
world.write("good.ts", `mill.log("hello")\nexport default 1`)
world.write("bad.ts", `throw new Error("oh")`)

let good: FinishedRun
let bad: FinishedRun
beforeAll(async () => {
  good = await world.run("good.ts")
  bad = await world.run("bad.ts")
})

/** A stack trace, a schema or another internal detail. */
const noise = /\n\s+at .*\.(?:ts|js):\d+:\d+\)?\n|Schema|Effect\.|Cause/

type Refusal = {
  readonly tag: string
  readonly code: number
  readonly message: RegExp
  readonly hint?: RegExp
}
const refusals: Readonly<Record<string, Refusal>> = {
  "statsu last": { tag: "UsageError", code: 2, message: /"statsu"/, hint: /did you mean status\?/ },
  "ls --limt 5": { tag: "UsageError", code: 2, message: /--limt/, hint: /did you mean --limit\?/ },
  "status last --unlike-any": { tag: "UsageError", code: 2, message: /--unlike-any/, hint: /status --help/ },
  status: { tag: "UsageError", code: 2, message: /argument.*run/, hint: /mill status --help/ },
  "run good.ts --driver": { tag: "UsageError", code: 2, message: /--driver/ },
  "run good.ts --meta novalue": { tag: "UsageError", code: 2, message: /--meta.*novalue/ },
  "run good.ts --meta =nokey": { tag: "UsageError", code: 2, message: /"=nokey"\. Expected: key=value$/ },
  "ls --limit many": { tag: "UsageError", code: 2, message: /--limit.*many/ },
  "ls --status done": { tag: "UsageError", code: 2, message: /--status.*done/ },
  "wait last --timeout -1": { tag: "UsageError", code: 2, message: /--timeout.*-1/ },
  "status ../../evil": { tag: "UsageError", code: 2, message: /"\.\.\/\.\.\/evil" is not a valid run id/ },
  "status run_0000": { tag: "RunNotFound", code: 3, message: /run_0000/, hint: /mill ls/ },
  "status last --runs-dir nowhere": { tag: "RunNotFound", code: 3, message: /no runs/, hint: /mill run/ },
  "run nothing.ts": { tag: "ProgramError", code: 2, message: /nothing\.ts: no such file or directory/ },
  "run good.ts --driver nope": { tag: "ConfigError", code: 2, message: /"nope".*instant/ },
  "run good.ts --executor nope": { tag: "ConfigError", code: 2, message: /"nope".*direct/ },
  "ls --runs-dir good.ts": { tag: "StoreError", code: 1, message: /good\.ts.*not a directory/ },
  "run good.ts --runs-dir good.ts/x": { tag: "StoreError", code: 1, message: /good\.ts.*not a directory/ },
}

describe("an invalid command line is refused", () => {
  test.concurrent.each(Object.entries(refusals))("mill %s", async (line, { code, hint, message, tag }) => {
    const args = line.split(" ")
    const refused = await world.mill([...args, "--json"])
    expect(refused.stdout).toEndWith("\n")
    expect(refused.stdout.trim()).not.toContain("\n")
    const { error, ...others } = JSON.parse(refused.stdout)
    expect(others).toEqual({})
    expect(error._tag).toBe(tag)
    expect(error.message).toMatch(message)
    if (hint !== undefined) expect(error.hint).toMatch(hint)
    expect(Object.keys(error)).not.toContainAnyValues(["stack", "name", "cause", "exitCode"])
    expect(refused.stderr).toStartWith(`error: ${error.message}\n`)
    expect(refused.stderr).not.toMatch(noise)
    expect(refused.code).toBe(code)
  })
})

test.concurrent("without --json an error is printed on stderr only", async () => {
  const { code, stderr, stdout } = await world.mill(["status", "run_0000"])
  expect({ code, stdout }).toEqual({ code: 3, stdout: "" })
  expect(stderr).toBe("error: no run matches run_0000\n  → run mill ls to list the runs\n")
})

test.concurrent("MILL_DEBUG adds details on stderr", async () => {
  const { code, stderr, stdout } = await world.mill(["status", "run_0000", "--json"], {
    env: { MILL_DEBUG: "1" },
  })
  expect(JSON.parse(stdout).error._tag).toBe("RunNotFound")
  expect(stderr).toMatch(/RunNotFound.*\n\s+at /)
  expect(code).toBe(3)
})

describe("a command with --json", () => {
  test.concurrent("run prints the run's id, status and paths; wait and status print its record", async () => {
    const started = await world.mill(["run", "good.ts", "--json"])
    const { paths, runId, status, ...others } = JSON.parse(started.stdout)
    expect({ status, others }).toEqual({
      status: "running",
      others: { configPath: `${world.dir}/mill.config.ts` },
    })
    expect(paths.runDir).toBe(`${world.runsDir}/${runId}`)
    expect(Object.keys(paths).toSorted()).toEqual(
      ["runDir", "runFile", "eventsFile", "resultFile", "planFile", "programFile", "logFile"].toSorted(),
    )
    expect(runId).toMatch(/^run_[0-9a-hjkmnp-tv-z]{26}$/)
    const waited = await world.mill(["wait", runId, "--json", "--timeout", "60"])
    expect(waited.code).toBe(0)
    expect(JSON.parse(waited.stdout)).toEqual(world.readRecord(runId))
    const asked = await world.mill(["--json", "status", runId])
    expect(JSON.parse(asked.stdout)).toEqual({ ...JSON.parse(waited.stdout), changedSources: [] })
    expect([started.stderr, waited.stderr, asked.stderr]).toEqual(["", "", ""])
  })

  test.concurrent("run --sync prints only the record and the result", () => {
    expect(good.stderr).toBe("")
    expect(Object.keys(JSON.parse(good.stdout))).toEqual(["run", "result"])
    expect(good.record).toMatchObject({
      status: "complete",
      driver: "instant",
      executor: "direct",
      programPath: `${world.dir}/good.ts`,
      spawns: { started: 0, running: 0, complete: 0, error: 0, cancelled: 0 },
    })
    expect(good.result).toMatchObject({
      runId: good.record.id,
      status: "complete",
      programResult: 1,
      spawns: [],
    })
    expect([good.code, bad.code]).toEqual([0, 1])
  })

  test.concurrent("status of a failed run exits with 0, wait with 1", async () => {
    const status = await world.mill(["status", bad.record.id, "--json"])
    expect([status.code, JSON.parse(status.stdout).status]).toEqual([0, "failed"])
    const wait = await world.mill(["wait", bad.record.id, "--json", "--timeout", "0"])
    expect([wait.code, JSON.parse(wait.stdout).status]).toEqual([1, "failed"])
  })
})

describe("a command without --json", () => {
  test.concurrent("run --sync prints progress on stderr and the outcome on stdout", async () => {
    const failed = await world.mill(["run", "bad.ts", "--sync"])
    expect(failed.stdout).toMatch(/ failed\n\s+Error: oh\n\s+at .*bad\.ts:1:11\n/)
    const complete = await world.mill(["run", "good.ts", "--sync"])
    expect(complete.stderr).toMatch(/hello/)
    expect(complete.stdout).toMatch(/ complete\n[^]*Result\n\s+1\n$/)
    expect([failed.code, complete.code]).toEqual([1, 0])
  })

  test.concurrent("the overview and the help are printed on stdout", async () => {
    const [card, help, version] = await Promise.all([
      world.mill([]),
      world.mill(["run", "--help"]),
      world.mill(["--version"]),
    ])
    expect(card.stdout).toContain("mill run <program.ts>")
    expect(help.stdout).toMatch(/--driver/)
    expect(version.stdout).toMatch(/\d+\.\d+\.\d+/)
    expect([card, help, version].map(({ code, stderr }) => [code, stderr])).toEqual([
      [0, ""],
      [0, ""],
      [0, ""],
    ])
  })
})

test.concurrent.each([[["--help", "--json"]], [["--json"]]])(
  "mill %j prints one line of JSON",
  async (args) => {
    const { code, stderr, stdout } = await world.mill(args)
    expect(JSON.parse(stdout)).toMatchObject({ discoveryVersion: 1 })
    expect([code, stderr, stdout.trim().split("\n").length]).toEqual([0, "", 1])
  },
)
