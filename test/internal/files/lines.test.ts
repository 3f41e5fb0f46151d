import { describe, expect, test } from "bun:test"
import { Arbitrary } from "effect"
import { makeLineSplitter } from "../../../src/internal/files/lines.ts"
import { integer, property } from "../../support/property.ts"

const encoder = new TextEncoder()

const split = (chunks: ReadonlyArray<string | ReadonlyArray<number>>, maxLineBytes = 1000) => {
  const splitter = makeLineSplitter({ maxLineBytes })
  const lines: Array<string> = []
  for (const chunk of chunks) {
    lines.push(...splitter.push(typeof chunk === "string" ? encoder.encode(chunk) : Uint8Array.from(chunk)))
  }
  lines.push(...splitter.end())
  return { lines, overlongLines: splitter.overlongLines }
}

describe("the line splitter", () => {
  test("returns a line when its line feed has come, and the rest at the end", () => {
    const splitter = makeLineSplitter({ maxLineBytes: 100 })
    expect(splitter.push(encoder.encode("one\ntw"))).toEqual(["one"])
    expect(splitter.push(encoder.encode("o\n\nthr"))).toEqual(["two", ""])
    expect(splitter.push(encoder.encode("ee"))).toEqual([])
    expect(splitter.end()).toEqual(["three"])
    expect(splitter.end()).toEqual([])
  })
  test("returns nothing at the end when the last line was whole", () => {
    expect(split(["one\n"]).lines).toEqual(["one"])
    expect(split([]).lines).toEqual([])
    expect(split([""]).lines).toEqual([])
  })
  test("splits at line feeds only", () => {
    expect(split(["a\r\nb\u2028c\u2029d\u0085e\u000bf\n"]).lines).toEqual([
      "a\r",
      "b\u2028c\u2029d\u0085e\u000bf",
    ])
  })
  test("keeps a character whole that is split between two chunks", () => {
    const bytes = [...encoder.encode("a👩‍💻é\n漢")]
    expect(split(bytes.map((byte) => [byte])).lines).toEqual(["a👩‍💻é", "漢"])
  })
  test("replaces invalid UTF-8 and continues", () => {
    expect(split([[0x61, 0xff, 0x62, 0x0a, 0xc3, 0x0a, 0x63]]).lines).toEqual(["a\ufffdb", "\ufffd", "c"])
  })
  test("keeps a byte order mark and NUL", () => {
    expect(split(["\ufeffa\n\ufeff\0b\n"]).lines).toEqual(["\ufeffa", "\ufeff\0b"])
  })
  test("drops and counts lines above the limit only", () => {
    const long = "x".repeat(11)
    const expected = { lines: ["a", "x".repeat(10), "b"], overlongLines: 1 }
    expect(split([`a\n${long}\n${"x".repeat(10)}\nb`], 10)).toEqual(expected)
    expect(split([...`a\n${long}\n${"x".repeat(10)}\nb`], 10)).toEqual(expected)
    expect(split([long, long, "\nnext\n"], 10)).toEqual({ lines: ["next"], overlongLines: 1 })
    expect(split(["a\n", long], 10)).toEqual({ lines: ["a"], overlongLines: 1 })
    expect(split([`${long}\n${long}\n`], 10)).toEqual({ lines: [], overlongLines: 2 })
  })
  test("counts bytes, not characters", () => {
    expect(split(["ééé\néé\n"], 5)).toEqual({ lines: ["éé"], overlongLines: 1 })
    expect(split([..."ééé\néé\n"], 5)).toEqual({ lines: ["éé"], overlongLines: 1 })
  })
  test("copies what it keeps, so that callers can reuse a chunk", () => {
    const splitter = makeLineSplitter({ maxLineBytes: 100 })
    const chunk = encoder.encode("one")
    splitter.push(chunk)
    chunk.fill(0x78)
    expect(splitter.end()).toEqual(["one"])
  })

  /** Line feeds, letters, and the bytes of longer characters, in any order. */
  const bytes = Arbitrary.map(Arbitrary.array(integer(0, 6), { maxLength: 60 }), (choices) =>
    choices.map((choice) => [0x0a, 0x0a, 0x61, 0x0d, 0xc3, 0xa9, 0xe6][choice] ?? 0x61),
  )
  const cuts = Arbitrary.array(integer(1, 9), { minLength: 1, maxLength: 20 })
  const pieces = (all: ReadonlyArray<number>, sizes: ReadonlyArray<number>) => {
    const chunks: Array<ReadonlyArray<number>> = []
    let start = 0
    for (let index = 0; start < all.length; index += 1) {
      const size = sizes[index % sizes.length] ?? 1
      chunks.push(all.slice(start, start + size))
      start += size
    }
    return chunks
  }

  property("chunks of any size give the same lines", Arbitrary.all([bytes, cuts] as const), ([all, sizes]) =>
    Bun.deepEquals(split(pieces(all, sizes)), split([all])),
  )
  property(
    "the lines are what lies between the line feeds",
    Arbitrary.all([bytes, cuts] as const),
    ([all, sizes]) => {
      const whole = new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(all))
      const expected = whole.split("\n")
      if (expected.at(-1) === "") expected.pop()
      return Bun.deepEquals(split(pieces(all, sizes)).lines, expected)
    },
  )
})
