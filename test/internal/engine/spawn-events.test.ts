/** The events of a spawn in its run's log, and the answer of its program. */
import { describe, expect, test } from "bun:test"
import { Cause, Effect, Exit } from "effect"
import { DriverEvent } from "../../../src/domain/driver.schema.ts"
import { SpawnRefused } from "../../../src/domain/error.schema.ts"
import { makeSpawnId } from "../../../src/domain/ids.schema.ts"
import type { AgentReport, EndedSpawn, SpawnTerminal } from "../../../src/domain/spawn-verdict.schema.ts"
import {
  answerSpawn,
  toSpawnEvents,
  toTerminalEvent,
} from "../../../src/internal/engine/spawn-events.effect.ts"

const spawnId = makeSpawnId(3)
const spawn: EndedSpawn = {
  spawnId,
  input: { agent: "a", model: "m" },
  driver: "d",
  fallbackSessionRef: "run/spawn_3",
  durationMs: 5,
}

const ownSpawn = { ...spawn, fallbackSessionRef: "run_01m7000000000000000000000x/spawn_3" }
const fail = (terminal: SpawnTerminal) => Effect.runSync(Effect.flip(answerSpawn(terminal)))

describe("an event of a driver", () => {
  test("logs milestones and tool calls, and no session", () => {
    expect(toSpawnEvents(spawnId, DriverEvent.Session({ sessionRef: "s" }))).toEqual([])
    expect(toSpawnEvents(spawnId, DriverEvent.Milestone({ message: "half" }))).toEqual([
      { type: "spawn:milestone", payload: { spawnId, message: "half" } },
    ])
    expect(toSpawnEvents(spawnId, DriverEvent.ToolCall({ toolName: "ls" }))).toEqual([
      { type: "spawn:tool_call", payload: { spawnId, toolName: "ls" } },
    ])
  })

  test("cuts the input of a tool to 2 KiB", () => {
    const [event] = toSpawnEvents(
      spawnId,
      DriverEvent.ToolCall({ toolName: "write", input: "é".repeat(2000) }),
    )
    expect(event?.payload).toMatchObject({ toolName: "write", input: "é".repeat(1024) })
  })
})

describe("the end of a driver", () => {
  const answer: AgentReport = {
    outcome: { final: true, text: "hi" },
    exit: { code: 0, overlongLines: 0 },
    stderr: "",
  }
  const refusal = new SpawnRefused({ cause: "not-found", message: "cannot start d" })

  test("a final answer completes the spawn", () => {
    const { payload, type } = toTerminalEvent(spawn, Exit.succeed(answer), "Ctrl-C", undefined)
    expect(type).toBe("spawn:complete")
    expect(payload.result).toMatchObject({ text: "hi", exitCode: 0, sessionRef: "run/spawn_3" })
  })

  test("a refusal is an error with its cause", () => {
    expect(toTerminalEvent(spawn, Exit.fail(refusal), undefined, undefined)).toMatchObject({
      type: "spawn:error",
      payload: { spawnId, cause: "not-found", message: "cannot start d" },
    })
  })

  test("a defect is an error of the codec, also when the spawn was interrupted", () => {
    const cause = Cause.combine(Cause.interrupt(), Cause.die(new Error("bug")))
    expect(toTerminalEvent(spawn, Exit.failCause(cause), "Ctrl-C", undefined)).toMatchObject({
      type: "spawn:error",
      payload: { cause: "codec", message: expect.stringContaining("bug") },
    })
  })

  test("an interruption is a cancellation, with its reason and what is known", () => {
    const usage = { inputTokens: 1, outputTokens: 2 }
    const outcome = { final: false, text: "so far", sessionRef: "abc", usage }
    const known = { outcome, exit: { overlongLines: 0 }, stderr: "" }
    const result = { text: "so far", sessionRef: "abc", exitCode: null, usage }
    const event = toTerminalEvent(spawn, Exit.interrupt(), "Ctrl-C", known)
    expect(event).toMatchObject({
      type: "spawn:cancelled",
      payload: { spawnId, reason: "Ctrl-C", result },
    })
    expect(fail(event).result).toMatchObject({ text: "so far", sessionRef: "abc", usage })
  })

  test("a spawn without a session of its agent has a session name from mill, which programs do not see", () => {
    const event = toTerminalEvent(ownSpawn, Exit.interrupt(), undefined, undefined)
    expect(event.payload.result).toMatchObject({ sessionRef: ownSpawn.fallbackSessionRef, exitCode: null })
    expect(Object.keys(fail(event).result ?? {}).sort()).toEqual([
      "agent",
      "driver",
      "durationMs",
      "model",
      "text",
    ])
  })
})

describe("the program's answer", () => {
  const cancelled = (reason?: string) => ({ type: "spawn:cancelled", payload: { spawnId, reason } }) as const

  test("an error keeps its cause, its message and the result so far", () => {
    const result = { text: "so far", agent: "a", model: "m", driver: "d", durationMs: 5 }
    const payload = { spawnId, cause: "exit", message: "d exited with code 2", result } as const
    const failure = fail({ type: "spawn:error", payload })
    expect(failure._tag).toBe("MillSpawnError")
    expect([failure.spawnId, failure.cause, failure.message]).toEqual([spawnId, "exit", payload.message])
    expect(failure.result).toEqual(result)
  })

  test("a cancellation names its reason", () => {
    expect(fail(cancelled("Ctrl-C")).message).toBe("the spawn was cancelled: Ctrl-C")
    expect(fail(cancelled()).message).toBe("the spawn was cancelled: the run is ending")
    expect(fail(cancelled()).cause).toBe("cancelled")
  })

  test("has no keys without a value", () => {
    const usage = { inputTokens: 1, outputTokens: 2, costUsd: undefined }
    const outcome = { final: true, text: "hi", stopReason: undefined, usage }
    const report = { outcome, exit: { code: 0, overlongLines: 0 }, stderr: "" }
    const result = Effect.runSync(
      answerSpawn(toTerminalEvent(spawn, Exit.succeed(report), undefined, undefined)),
    )
    expect(result).not.toHaveProperty("stopReason")
    expect(result.usage).toStrictEqual({ inputTokens: 1, outputTokens: 2 })
    expect(fail(cancelled())).not.toHaveProperty("result")
  })
})
