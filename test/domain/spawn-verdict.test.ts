/** How a spawn ends, given its agent's exit and outcome. */
import { describe, expect, test } from "bun:test"
import { Arbitrary } from "effect"
import { makeSpawnId } from "../../src/domain/ids.schema.ts"
import { AgentReport, type EndedSpawn, judgeSpawn } from "../../src/domain/spawn-verdict.schema.ts"
import type { Usage } from "../../src/domain/spawn.schema.ts"
import { property } from "../support/property.ts"

const spawn: EndedSpawn = {
  spawnId: makeSpawnId(1),
  input: { agent: "a", model: "m" },
  driver: "d",
  fallbackSessionRef: "run/spawn_1",
  durationMs: 5,
}

property(
  "a spawn is complete only with a final answer, no error, exit code 0 and a driver that has not given up",
  Arbitrary.schema(AgentReport),
  (report) => {
    const { exit, failure, outcome } = report
    const verdict = judgeSpawn(spawn, report)
    const good =
      failure === undefined &&
      outcome.final &&
      outcome.errorMessage === undefined &&
      exit.code === 0 &&
      exit.signal === undefined
    return (verdict.type === "spawn:complete") === good && verdict.payload.spawnId === spawn.spawnId
  },
)

const keepPositive = (usage: Usage) => {
  const counts = Object.fromEntries(Object.entries(usage).filter(([, count]) => (count ?? 0) >= 0))
  return "inputTokens" in counts && "outputTokens" in counts ? counts : undefined
}

property("the result has all that is known", Arbitrary.schema(AgentReport), (report) => {
  const { exit, outcome, stderr } = report
  const { type, payload } = judgeSpawn(spawn, report)
  const { result } = payload
  if (result === undefined) return false
  const hasStderr =
    type === "spawn:complete" ||
    (result as { stderr?: string }).stderr === (stderr === "" ? undefined : stderr)
  return (
    hasStderr &&
    result.text === outcome.text &&
    Bun.deepEquals(result.usage, outcome.usage && keepPositive(outcome.usage)) &&
    result.stopReason === outcome.stopReason &&
    result.exitCode === (exit.code ?? null) &&
    result.sessionRef === (outcome.sessionRef ?? spawn.fallbackSessionRef)
  )
})

describe("a failure has the most specific cause", () => {
  const report = (parts: Partial<AgentReport["outcome"]>, exit: object, stderr = ""): AgentReport => ({
    outcome: { final: true, text: "t", ...parts },
    exit: { overlongLines: 0, ...exit },
    stderr,
  })
  test.each([
    ["the agent's own error", report({ errorMessage: "no credit" }, { code: 3 }), "agent-error", "no credit"],
    [
      "the signal",
      report({}, { signal: "SIGSEGV" }, "core dumped\n\n"),
      "signal",
      "d was killed by SIGSEGV: core dumped",
    ],
    ["the exit code", report({}, { code: 3 }), "exit", "d exited with code 3"],
    ["no exit code at all", report({}, {}), "exit", "d exited with code unknown"],
    ["no answer", report({ final: false }, { code: 0 }), "codec", "d exited without a final answer"],
    [
      "no answer, with lines dropped",
      report({ final: false }, { code: 0, overlongLines: 2 }),
      "codec",
      "d exited without a final answer; mill dropped 2 lines longer than maxLineBytes",
    ],
    [
      "the first useful line of stderr",
      report({}, { code: 1 }, "Warning: old\n\u001b[31mno key\u001b[0m\nsee /docs/models.md\n"),
      "exit",
      "d exited with code 1: no key",
    ],
  ] as const)("%s", (_, given, cause, message) => {
    const verdict = judgeSpawn(spawn, given)
    expect(verdict.type).toBe("spawn:error")
    expect(verdict.payload as object).toMatchObject({ cause, message, result: { errorMessage: message } })
  })
})
