/**
 * Recorded output of the real agents (test/fixtures/agents), and what a codec makes of it. A recording is what one agent
 * printed for one case, with how it was called and how it ended; `cli` in its meta file names the tool and version.
 */
import { expect } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { AgentExit, AgentOutcome, Codec, DriverEvent } from "../../src/domain/driver.schema.ts"
import type { Usage } from "../../src/domain/spawn.schema.ts"

const root = join(import.meta.dir, "../fixtures/agents")

export type Recording = { readonly stdout: string; readonly exit: AgentExit }

/** The names of an agent's recorded cases. */
export const casesOf = (agent: string): ReadonlyArray<string> =>
  readdirSync(join(root, agent))
    .filter((name) => name.endsWith(".meta.json"))
    .map((name) => name.slice(0, -".meta.json".length))
    .toSorted()

export const recording = (agent: string, name: string): Recording => {
  const meta: { exitCode: number | null; exitSignal: string | null } = JSON.parse(
    readFileSync(join(root, agent, `${name}.meta.json`), "utf8"),
  )
  return {
    stdout: readFileSync(join(root, agent, `${name}.stdout.jsonl`), "utf8"),
    exit: {
      ...(meta.exitCode === null ? {} : { code: meta.exitCode }),
      ...(meta.exitSignal === null ? {} : { signal: meta.exitSignal }),
      overlongLines: 0,
    },
  }
}

/** Output as lines, split on the line feed alone. */
export const linesOf = (output: string): ReadonlyArray<string> => {
  const lines = output.split("\n")
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines
}

export type Decoded = { readonly events: ReadonlyArray<DriverEvent>; readonly outcome: AgentOutcome }

export const exited: AgentExit = { code: 0, overlongLines: 0 }

/** The events and the outcome of an agent's lines. */
export const decodeLines = (
  codec: Codec,
  lines: ReadonlyArray<string>,
  exit: AgentExit = exited,
): Decoded => {
  let decoding = codec.decoding
  const events: Array<DriverEvent> = []
  for (const line of lines) {
    const [next, found] = decoding.decodeEvent(line)
    decoding = next
    events.push(...found)
  }
  return { events, outcome: decoding.decodeFinal(exit) }
}

/** The expectation of a case. Fields that it does not mention must be absent. */
export type Expected = {
  readonly final: boolean
  /** Default: none. */
  readonly text?: string | RegExp
  readonly stopReason?: string
  readonly error?: RegExp
  /** Default: the codec finds the one in the recording. */
  readonly session?: false
  readonly tools?: ReadonlyArray<readonly [name: string, input: string | RegExp]>
  readonly milestones?: ReadonlyArray<RegExp>
  readonly usage?: Usage
}

const expectText = (actual: string | undefined, expected: string | RegExp) => {
  if (typeof expected === "string") expect(actual).toBe(expected)
  else expect(actual).toMatch(expected)
}

const expectUsage = (actual: Usage | undefined, expected: Usage | undefined) => {
  const { costUsd: actualCost, ...actualTokens } = actual ?? { costUsd: undefined }
  const { costUsd, ...tokens } = expected ?? { costUsd: undefined }
  expect(actualTokens).toEqual(tokens)
  if (costUsd === undefined) expect(actualCost).toBeUndefined()
  else expect(actualCost).toBeCloseTo(costUsd, 9)
}

/** Checks how a codec decodes a case. `session` finds the session's name in the recording independently. */
export const expectCase = (
  codec: Codec,
  { exit, stdout }: Recording,
  session: RegExp,
  expected: Expected,
): void => {
  const { events, outcome } = decodeLines(codec, linesOf(stdout), exit)
  expect(outcome.final).toBe(expected.final)
  expectText(outcome.text, expected.text ?? "")
  expect(outcome.stopReason).toBe(expected.stopReason)
  if (expected.error === undefined) expect(outcome.errorMessage).toBeUndefined()
  else expect(outcome.errorMessage).toMatch(expected.error)
  expectUsage(outcome.usage, expected.usage)

  const sessionRef = expected.session === false ? undefined : session.exec(stdout)?.[1]
  if (expected.session !== false) expect(sessionRef).toBeString()
  expect(outcome.sessionRef).toBe(sessionRef)
  const sessions = events.flatMap((event) => (event._tag === "Session" ? [event.sessionRef] : []))
  expect(sessions).toEqual(sessionRef === undefined ? [] : [sessionRef])

  const tools = events.flatMap((event) => (event._tag === "ToolCall" ? [event] : []))
  expect(tools.map(({ toolName }) => toolName)).toEqual((expected.tools ?? []).map(([name]) => name))
  for (const [index, [, input]] of (expected.tools ?? []).entries()) expectText(tools[index]?.input, input)

  const milestones = events.flatMap((event) => (event._tag === "Milestone" ? [event.message] : []))
  expect(milestones).toHaveLength(expected.milestones?.length ?? 0)
  for (const [index, milestone] of (expected.milestones ?? []).entries())
    expectText(milestones[index], milestone)

  // For every recording: an agent that exits with a code other than 0 has not succeeded.
  if (exit.code !== 0) expect(outcome.final && outcome.errorMessage === undefined).toBe(false)
}
