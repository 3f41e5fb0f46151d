/** The decoder of an agent's lines, with codecs that misbehave: only their own spawn fails. */
import { describe, expect, test } from "bun:test"
import { Result } from "effect"
import { type CodecDefinition, defineCodec, DriverEvent } from "../../../src/domain/driver.schema.ts"
import { makeLineDecoder } from "../../../src/internal/drivers/line-decoder.ts"

const exit = { code: 0, overlongLines: 0 }

/** A codec whose answer is the number of its lines; each line is a milestone. */
const counting: CodecDefinition<number> = {
  name: "counting",
  modelFormat: "any",
  models: [],
  encodeSpawn: () => Result.succeed({ args: [] }),
  initial: 0,
  decodeEvent: (count, line) => [count + 1, [DriverEvent.Milestone({ message: line })]],
  decodeFinal: (count) => ({ final: true, text: String(count) }),
}

const makeDecoder = (changes: Partial<CodecDefinition<number>>) =>
  makeLineDecoder(defineCodec({ ...counting, ...changes }))

/** The message of the failure at the end. */
const readFailure = (decoder: ReturnType<typeof makeLineDecoder>) => {
  const end = decoder.end(exit)
  return Result.isFailure(end) ? [end.failure.cause, end.failure.message] : undefined
}

test("folds lines into events and an outcome", () => {
  const decoder = makeDecoder({})
  expect(decoder.push(["a", "b"])).toEqual([
    DriverEvent.Milestone({ message: "a" }),
    DriverEvent.Milestone({ message: "b" }),
  ])
  decoder.push(["c"])
  expect(decoder.end(exit)).toEqual(Result.succeed({ final: true, text: "3" }))
})

describe("a codec that", () => {
  test("throws on a line fails the spawn, and gets no further line", () => {
    const seen: Array<string> = []
    const decoder = makeDecoder({
      decodeEvent: (count, line) => {
        seen.push(line)
        if (line === "bad") throw new Error("no such line")
        return [count, []]
      },
    })
    expect(decoder.push(["good", "bad", "next"])).toEqual([])
    expect(decoder.push(["last"])).toEqual([])
    expect(seen).toEqual(["good", "bad"])
    expect(readFailure(decoder)).toEqual(["codec", "codec counting failed: no such line"])
  })

  test("returns an invalid event fails the spawn; its valid events are kept", () => {
    const valid = DriverEvent.Milestone({ message: "half" })
    const invalid = DriverEvent.Session({ sessionRef: "" })
    const decoder = makeDecoder({ decodeEvent: (count) => [count, [valid, invalid]] })
    expect(decoder.push(["a"])).toEqual([valid])
    expect(readFailure(decoder)).toEqual([
      "codec",
      "codec counting failed: decodeEvent returned an invalid event",
    ])
  })

  test("throws at the end fails the spawn", () => {
    const decoder = makeDecoder({
      decodeFinal: () => {
        throw "a text"
      },
    })
    expect(readFailure(decoder)).toEqual(["codec", "codec counting failed: a text"])
  })

  test("returns an invalid outcome fails the spawn, with a message that names the field", () => {
    const outcome = { final: true, text: "t" }
    const problems: ReadonlyArray<readonly [outcome: unknown, problem: string]> = [
      [undefined, "the outcome is undefined; expected an object"],
      [{ ...outcome, sessionRef: null }, "sessionRef is null; expected a non-empty string"],
      [{ ...outcome, sessionRef: "" }, 'sessionRef is ""; expected a non-empty string'],
      [
        { ...outcome, usage: { inputTokens: NaN, outputTokens: 1 } },
        "usage.inputTokens is NaN; expected a finite number",
      ],
    ]
    for (const [value, problem] of problems) {
      const decoder = makeDecoder({ decodeFinal: () => value as never })
      expect(readFailure(decoder)).toEqual(["codec", `codec counting failed: decodeFinal: ${problem}`])
    }
  })
})
