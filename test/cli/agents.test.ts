/** Agents that misbehave, all in one run: each has one correct terminal event, and the run continues. */
import { beforeAll, describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import {
  type FinishedRun,
  isAlive,
  formatJsonlDriver,
  makeWorld,
  repository,
  writeConfig,
  writeScript,
} from "../support/mill.ts"

const world = makeWorld()
const megabytes = (n: number, letter: string) => `head -c ${n}000000 /dev/zero | tr '\\0' ${letter}`
const answer = `echo '{"type":"result","text":"done","sessionRef":"session"}'`
const rpc = [
  { jsonrpc: "2.0", id: 1, result: { text: "spoofed" } },
  { jsonrpc: "2.0", method: "end", params: { end: { type: "complete", result: "spoofed" } } },
  { schemaVersion: 1, runId: "run_0", sequence: 1, timestamp: "", type: "run:complete", payload: {} },
].map((line) => `echo '${JSON.stringify(line)}'`)

/** The shell script of each agent, by its name. */
const scripts: Readonly<Record<string, string>> = {
  "floods stderr and answers": `${megabytes(20, "e")} >&2; ${answer}`,
  "floods stderr and fails": `${megabytes(20, "e")} >&2; printf 'the end' >&2; ${answer}; exit 1`,
  "prints garbage": `echo '{"type":"result"'; echo 'result'; echo '[1]'; echo null; echo '{"type":7}'; echo; ${answer}`,
  "prints invalid UTF-8": `printf '\\377\\376\\n'; printf '{"type":"result","text":"a\\377z"}\\n'`,
  "prints a long line": `${megabytes(50, "x")}; echo; ${answer}`,
  "answers in a line that is too long": `printf '{"type":"result","text":"'; ${megabytes(50, "x")}; echo '"}'`,
  "is killed": `echo 'out of memory' >&2; ${answer}; kill -9 $$`,
  "is killed by an unnamed signal": `${answer}; kill -40 $$`,
  "exits with 3": `${answer}; exit 3`,
  "prints no answer": `echo '{"type":"text","text":"half"}'`,
  "reports a failure": `echo '{"type":"text","text":"half"}'; echo '{"type":"error","message":"no credit"}'`,
  "reports two failures": `echo '{"type":"error","message":"no credit"}'; ${answer}; exit 4`,
  "answers twice": `${answer}; echo '{"type":"result","text":"more"}'`,
  "leaves a process behind": `sleep 1000 & echo $! > left; ${answer}`,
  "leaves a process in another session": `setsid sleep 1000 & echo $! > left-alone; ${answer}`,
  "a deaf one": answer,
  "polls its input as a pipe": `if [ -p /dev/stdin ] || [ -S /dev/stdin ]; then ${answer}; fi`,
  "speaks protocols": `${rpc.join("; ")}; ${answer}`,
  "reports its progress": `echo '{"type":"session","sessionRef":"abc"}'; echo '{"type":"milestone","message":"half way"}'
printf '{"type":"tool_call","toolName":"read","input":"'; ${megabytes(1, "x")}; echo '"}'; ${answer}`,
  "ends in the middle of a line": `printf '{"type":"result","text":"done"}'`,
}
const names = Object.keys(scripts)
const agents = join(world.dir, "agents")
const command = writeScript(world, "agents/start", `exec "${agents}/$MILL_SPAWN_ID"`)
for (const [index, name] of names.entries())
  writeScript(world, `agents/spawn_${index + 1}`, scripts[name] ?? "")
writeScript(world, `agents/spawn_${names.length + 1}`, `rm "${command}"; ${answer}`)
writeConfig(world, { agents: formatJsonlDriver(command) })

type Report = {
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: {
    readonly name: string
    readonly message: string
    readonly cause: string
    readonly spawnId: string
    readonly result: Readonly<Record<string, unknown>>
  }
}

let ended: FinishedRun
beforeAll(async () => {
  const program = `${repository}/test/programs/report.ts`
  ended = await world.run(program, ["--", ...names, "then", "deletes its command", "is missing"])
})

const terminalTypes = ["spawn:complete", "spawn:error", "spawn:cancelled"]

/** The report of the program on a spawn, which must match the one terminal event in the log. */
const readReport = (index: number) => {
  const terminal = ended.events.filter(
    ({ payload, type }) =>
      terminalTypes.includes(type) && "spawnId" in payload && payload.spawnId === `spawn_${index + 1}`,
  )
  expect(terminal).toHaveLength(1)
  const payload = terminal[0]?.payload as Readonly<Record<string, unknown>>
  const report = (ended.result.programResult as ReadonlyArray<Report>)[index] ?? {}
  if (terminal[0]?.type === "spawn:complete") {
    expect(report).toEqual({ result: payload["result"] as Report["result"] & object })
  } else {
    // A program gets neither a null nor the name of a conversation that does not exist.
    const { exitCode, sessionRef, ...result } = payload["result"] as Readonly<Record<string, unknown>>
    const known = {
      ...result,
      ...(exitCode === null ? {} : { exitCode }),
      ...(sessionRef === `${ended.record.id}/spawn_${index + 1}` ? {} : { sessionRef }),
    }
    expect(report.error as object).toEqual({ name: "MillSpawnError", ...payload, result: known })
  }
  return report
}

describe("a spawn completes if the agent", () => {
  const complete: Readonly<Record<string, object>> = {
    "floods stderr and answers": { text: "done" },
    "prints garbage": { text: "done", sessionRef: "session", exitCode: 0 },
    "prints invalid UTF-8": { text: "a\ufffdz" },
    "prints a long line": { text: "done" },
    "answers twice": { text: "done" },
    "leaves a process behind": { text: "done" },
    "leaves a process in another session": { text: "done" },
    "a deaf one": { text: "done" },
    "polls its input as a pipe": { text: "done" },
    "speaks protocols": { text: "done", sessionRef: "session" },
    "reports its progress": { text: "done", sessionRef: "abc" },
    "ends in the middle of a line": { text: "done" },
  }
  test.each(Object.entries(complete))("%s", (name, expected) => {
    expect(readReport(names.indexOf(name)).result).toMatchObject(expected)
  })
})

describe("a spawn fails if the agent", () => {
  const failed: Readonly<Record<string, readonly [cause: string, message: RegExp, result: object]>> = {
    "floods stderr and fails": ["exit", /code 1/, { text: "done", exitCode: 1, sessionRef: "session" }],
    "answers in a line that is too long": [
      "codec",
      /mill dropped 1 line longer than maxLineBytes/,
      { exitCode: 0 },
    ],
    "is killed": ["signal", /killed by SIGKILL: out of memory$/, { text: "done", signal: "SIGKILL" }],
    "is killed by an unnamed signal": [
      "signal",
      /killed by signal 40$/,
      { text: "done", signal: "signal 40" },
    ],
    "exits with 3": ["exit", /exited with code 3/, { text: "done", exitCode: 3, sessionRef: "session" }],
    "prints no answer": ["codec", /without a final answer/, { text: "half", exitCode: 0 }],
    "reports a failure": ["agent-error", /^no credit$/, { text: "half", errorMessage: "no credit" }],
    "reports two failures": ["agent-error", /^no credit$/, { text: "", exitCode: 4 }],
  }
  test.each(Object.entries(failed))("%s", (name, [cause, message, result]) => {
    const { error } = readReport(names.indexOf(name))
    expect(error).toMatchObject({ cause, result })
    expect(error?.message).toMatch(message)
    expect(error?.result["errorMessage"]).toBe(error?.message ?? "")
  })
  test("existed at submit and is gone", () => {
    expect(readReport(names.length).result).toMatchObject({ text: "done" })
    const { error } = readReport(names.length + 1)
    expect(error?.cause).toBe("not-found")
    expect(error?.message).toContain(command)
    expect(error?.result).not.toHaveProperty("exitCode")
  })
})

test("a result keeps the last 8 KiB of stderr", () => {
  const { stderr } = readReport(names.indexOf("floods stderr and fails")).error?.result ?? {}
  expect(stderr).toHaveLength(8192)
  expect(stderr).toMatch(/^e+the end$/)
})

test("the progress of an agent is in the log, with a tool's input cut to 2 KiB", () => {
  const spawnId = `spawn_${names.indexOf("reports its progress") + 1}`
  const events = ended.events.filter(({ payload }) => "spawnId" in payload && payload.spawnId === spawnId)
  expect(events.slice(1, -1).map(({ payload, type }) => ({ type, ...payload }) as object)).toEqual([
    { type: "spawn:milestone", spawnId, message: "half way" },
    { type: "spawn:tool_call", spawnId, toolName: "read", input: "x".repeat(2048) },
  ])
  expect(events.map(({ type }) => type).filter((type) => /start|complete/.test(type))).toHaveLength(2)
})

test("a spawn that was killed by a signal has no exit code", () => {
  expect(readReport(names.indexOf("is killed")).error?.result).not.toHaveProperty("exitCode")
})

test.each(["left", "left-alone"])(
  "processes that an agent leaves behind do not outlive the run: %s",
  (file) => {
    const pid = Number(readFileSync(join(world.dir, file), "utf8"))
    expect(pid).toBeGreaterThan(1)
    expect(isAlive(pid)).toBe(false)
  },
)

test("the run counts the failures, and is complete, as its program handles them", () => {
  expect(ended.code).toBe(0)
  expect(ended.record.status).toBe("complete")
  expect(ended.record.spawns).toEqual({ started: 22, running: 0, complete: 13, error: 9, cancelled: 0 })
  expect(ended.result.spawns.map(({ spawnId }) => `${spawnId}`)).toEqual(
    Array.from({ length: 22 }, (_, index) => `spawn_${index + 1}`),
  )
  expect(ended.result.spawns.map(({ status }) => status).filter((status) => status === "error")).toHaveLength(
    9,
  )
  expect(ended.events.at(-1)?.type).toBe("run:complete")
})
