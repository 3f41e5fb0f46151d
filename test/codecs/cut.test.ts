/** Output that is cut anywhere, and output that arrives in chunks. */
import { describe, expect, test } from "bun:test"
import { claudeCodec } from "../../src/codecs/claude.codec.ts"
import { codexCodec } from "../../src/codecs/codex.codec.ts"
import { piCodec } from "../../src/codecs/pi.codec.ts"
import type { AgentExit, Codec, Decoding } from "../../src/domain/driver.schema.ts"
import { makeLineSplitter } from "../../src/internal/files/lines.ts"
import { decodeLines, exited, linesOf, recording } from "./recorded.ts"

const short: ReadonlyArray<readonly [Codec, string, string]> = [
  [claudeCodec(), "claude", "output-json"],
  [claudeCodec(), "claude", "session-unknown"],
  [codexCodec(), "codex", "plain"],
  [codexCodec(), "codex", "error-401"],
  [piCodec(), "pi-1.5", "session-resume"],
]

const long: ReadonlyArray<readonly [Codec, string, string]> = [
  [claudeCodec(), "claude", "tool"],
  [claudeCodec(), "claude", "error-529"],
  [claudeCodec(), "claude", "sigint-tool"],
  [codexCodec(), "codex", "tool"],
  [codexCodec(), "codex", "stop-length"],
  [piCodec(), "pi-0.87", "tool"],
  [piCodec(), "pi-0.87", "error-529-recovers"],
  [piCodec(), "pi-1.5", "error-401"],
  [piCodec(), "pi-1.5", "anthropic-api"],
]

const terminal = /"type":"(result|turn\.completed|turn\.failed|agent_settled)"/

/** Where the line that ends it begins; every recording here has one, the last. */
const lastLine = (lines: ReadonlyArray<string>): number => {
  expect(lines.findIndex((line) => terminal.test(line))).toBe(lines.length - 1)
  return lines.length - 1
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Checks a fold to which nothing is added but the first bytes of one more line. */
const expectNoSuccess = (decoding: Decoding, line: string, cuts: Iterable<number>) => {
  const bytes = encoder.encode(line)
  for (const cut of cuts) {
    const [cutOff, events] = decoding.decodeEvent(decoder.decode(bytes.subarray(0, cut)))
    expect(events).toEqual([])
    const outcome = cutOff.decodeFinal(exited)
    expect(outcome.final && outcome.errorMessage === undefined).toBe(false)
    expect(outcome).toEqual(decoding.decodeFinal(exited))
  }
}

const everyByte = (line: string) => Array.from({ length: encoder.encode(line).length }, (_, cut) => cut)

for (const [codec, agent, name] of short) {
  test(`${agent}/${name}, cut at every byte, is not a success before its end`, () => {
    const lines = linesOf(recording(agent, name).stdout)
    lastLine(lines)
    let decoding = codec.decoding
    for (const line of lines) {
      expectNoSuccess(decoding, line, everyByte(line))
      decoding = decoding.decodeEvent(line)[0]
    }
    expect(decoding.decodeFinal(exited).final).toBe(true)
  })
}

for (const [codec, agent, name] of long) {
  test(`${agent}/${name}, cut within every line, is not a success before its end`, () => {
    const lines = linesOf(recording(agent, name).stdout)
    const last = lastLine(lines)
    let decoding = codec.decoding
    for (const [index, line] of lines.entries()) {
      const { length } = encoder.encode(line)
      const cuts = index >= last - 1 ? everyByte(line) : [0, 1, length >> 1, length - 2, length - 1]
      expectNoSuccess(decoding, line, cuts)
      decoding = decoding.decodeEvent(line)[0]
    }
    expect(decoding.decodeFinal(exited).final).toBe(true)
  })
}

describe("a fold", () => {
  test("is not changed by later lines", () => {
    for (const [codec, agent, name] of [...short, ...long]) {
      const lines = linesOf(recording(agent, name).stdout)
      const folds: Array<Decoding> = [codec.decoding]
      for (const line of lines) folds.push((folds.at(-1) ?? codec.decoding).decodeEvent(line)[0])
      for (const [index, fold] of folds.entries()) {
        expect(fold.decodeFinal(exited)).toEqual(decodeLines(codec, lines.slice(0, index)).outcome)
      }
    }
  })
})

/** As a driver reads it: bytes in pieces, through the line splitter. */
const decodePieces = (codec: Codec, output: Uint8Array, size: number, exit: AgentExit) => {
  const splitter = makeLineSplitter({ maxLineBytes: 1 << 24 })
  const lines: Array<string> = []
  for (let start = 0; start < output.length; start += size) {
    lines.push(...splitter.push(output.subarray(start, start + size)))
  }
  lines.push(...splitter.end())
  return decodeLines(codec, lines, exit)
}

describe("chunks of any size decode to the same", () => {
  for (const [codec, agent, name] of [...short, ...long, [claudeCodec(), "claude", "server-down"] as const]) {
    test(`${agent}/${name}`, () => {
      const { exit, stdout } = recording(agent, name)
      const whole = decodeLines(codec, linesOf(stdout), exit)
      const output = encoder.encode(stdout)
      for (const size of [1, 2, 3, 7, 64, 1000, 4096, output.length]) {
        expect(decodePieces(codec, output, size, exit)).toEqual(whole)
      }
    })
  }
})
