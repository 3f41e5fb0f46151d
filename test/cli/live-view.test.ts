/** The live view in a real terminal, and its lines at any width. */
import { describe, expect, test } from "bun:test"
import { nothingOff, placeBlock } from "../../src/cli/live-block.ts"
import { foldEvent, newLiveRun, renderLiveRun } from "../../src/cli/live.render.ts"
import { clipLine, fitLine, plainStyle } from "../../src/cli/style.render.ts"
import { makeSpawnId } from "../../src/domain/ids.schema.ts"
import { doesReflow } from "../../src/runtime/bun/standard-streams.ts"
import { eventOf } from "../domain/bodies.ts"
import { formatJsonlDriver, makeWorld, waitFor, writeConfig, writeScript } from "../support/mill.ts"
import { Screen } from "../support/screen.ts"
import { startInTerminal, type TerminalSession } from "../support/terminal.ts"

const texts = {
  ascii: "reviewer of everything",
  cjk: "審査員は日本語を話します",
  emoji: "👩‍💻👍🏽 🇩🇪🇯🇵 ✅ done 1️⃣",
  combining: "e\u0301a\u0308o\u0302 Z\u0351\u036a\u034ba\u034dl\u034cgo",
  hangul: "한국어 검토자",
}

describe("a line fits into the columns", () => {
  test.each(Object.entries(texts))("%s", (_, text) => {
    for (let width = 1; width <= 40; width += 1) {
      const fitted = fitLine(text, width)
      expect(Bun.stringWidth(fitted)).toBeLessThanOrEqual(width)
      // No grapheme is cut.
      const graphemes = [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment)
      const kept = [...new Intl.Segmenter().segment(fitted.replace(/…$/, ""))]
      expect(kept.every(({ segment }) => graphemes.includes(segment))).toBe(true)
      expect(Bun.stringWidth(clipLine(`\u001b[2m${text}\u001b[22m`, width))).toBeLessThanOrEqual(width)
    }
  })
})

test("the view of 40 agents with wide names fits any terminal", () => {
  const all = Object.values(texts)
  const spawns = Array.from({ length: 40 }, (_, index) => {
    const [agent = "", message = ""] = [all[index % all.length], all[(index + 1) % all.length]]
    const spawnId = makeSpawnId(index + 1)
    const input = { agent, systemPrompt: "s", prompt: "p", model: "模型/model-with-a-long-name" }
    return [
      eventOf({ type: "spawn:start", payload: { spawnId, input, key: "k", driver: "d" } }, 1),
      eventOf({ type: "spawn:milestone", payload: { spawnId, message: `${message} ${message}` } }, 1),
    ]
  }).flat()
  const start = eventOf({ type: "run:start", payload: { programPath: "/日本.ts", planId: "p" } }, 1)
  const run = [start, ...spawns].reduce(
    (folded, event) => foldEvent(folded, { known: true, event }),
    newLiveRun,
  )
  for (const rows of [1, 2, 3, 5, 10, 24, 60]) {
    for (const columns of [8, 20, 40, 60, 80, 120, 200]) {
      const lines = renderLiveRun("run_01m7000000000000000000000x", run, Date.now(), {
        columns,
        rows,
        style: plainStyle,
      })
      expect(lines.length).toBeLessThanOrEqual(rows)
      for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns)
    }
  }
})

test("in a terminal that cuts its lines, no row above the view is erased", () => {
  const block = { size: { columns: 120, rows: 40 }, lines: ["x".repeat(100), "y"], scrolledOff: nothingOff }
  const narrow = { columns: 60, rows: 40 }
  expect(placeBlock(block, narrow, true).rowsBack).toBe(3)
  expect(placeBlock(block, narrow, false).rowsBack).toBe(2)
  expect(doesReflow({ TERM: "xterm-256color" })).toBe(true)
  expect(doesReflow({ TERM: "xterm-256color", XTERM_VERSION: "XTerm(390)" })).toBe(false)
  expect(doesReflow({ TERM: "tmux-256color", XTERM_VERSION: "XTerm(390)", TMUX: "/tmp/tmux" })).toBe(true)
  expect(doesReflow({ TERM: "screen.xterm-256color", STY: "1.pts-0.host" })).toBe(false)
  expect(doesReflow({ TERM: "linux" })).toBe(false)
})

const world = makeWorld()
const hangs = writeScript(
  world,
  "hangs",
  `echo '{"type":"milestone","message":"${texts.cjk} ${texts.emoji} ${texts.cjk}"}'
while [ ! -e go ]; do sleep 0.05; done
echo '{"type":"result","text":"done"}'`,
)
writeConfig(world, { hangs: formatJsonlDriver(hangs) })
const names = Object.values(texts)
world.write(
  "many.ts",
  `const names = ${JSON.stringify(names)}
console.log("a line of the program that is wider than a narrow terminal is: " + names.join(" "))
await Promise.all(Array.from({ length: 12 }, (_, n) =>
  mill.spawn({ agent: names[n % names.length], systemPrompt: "s", prompt: "p", model: "m" })))`,
)

/** Waits for more frames: by the second, the last change is on the screen. */
const waitForFrames = async ({ readOutput }: TerminalSession, count = 2) => {
  const countFrames = () => readOutput().split("\u001b[?2026l").length
  const before = countFrames()
  await waitFor(`${count} frames`, () => countFrames() >= before + count)
}
/** The output up to the end of the last whole frame. */
const readFrames = ({ readOutput }: TerminalSession) =>
  readOutput().slice(0, readOutput().lastIndexOf("\u001b[?2026l"))

const countHeads = (lines: ReadonlyArray<string>) => lines.filter((line) => line.startsWith("● run_")).length

test("the view stays whole at several sizes and when keys are typed", async () => {
  for (const { columns, rows } of [
    { columns: 120, rows: 24 },
    { columns: 40, rows: 8 },
  ]) {
    const go = world.write("go", "")
    await Bun.file(go).delete()
    const terminal = startInTerminal(world, ["run", "many.ts", "--sync", "--no-confirm"], { columns, rows })
    await terminal.waitForText("12 running")
    await waitForFrames(terminal)
    const screen = new Screen(columns, rows)
    let shown = 0
    const show = () => {
      const frames = readFrames(terminal)
      screen.write(frames.slice(shown))
      shown = frames.length
    }
    show()
    expect(countHeads(screen.lines)).toBe(1)

    terminal.type("typed\n\nand more\n")
    await waitForFrames(terminal)
    show()
    expect(countHeads(screen.lines)).toBe(1)
    expect(screen.lines.join("\n")).not.toContain("typed")

    world.write("go", "")
    expect((await terminal.result).code).toBe(0)
  }
})

describe("the view survives changes of the terminal's size", () => {
  const earlier = Array.from(
    { length: 30 },
    (_, n) => `earlier line ${n + 1} ${"of the shell ".repeat(n % 6)}.`,
  )
  /** Resizes a terminal with a view in it, step by step. Each step is the sizes that follow each other at once. */
  const resizeThrough = async (
    steps: ReadonlyArray<{
      readonly sizes: ReadonlyArray<readonly [number, number]>
      readonly heads: number
    }>,
  ) => {
    await Bun.file(world.write("go", "")).delete()
    const [columns, rows] = [120, 40]
    const terminal = startInTerminal(world, ["run", "many.ts", "--sync", "--no-confirm"], { columns, rows })
    const screen = new Screen(columns, rows)
    screen.write(earlier.map((line) => `${line}\r\n`).join(""))
    await terminal.waitForText("12 running")
    await terminal.waitForText("審査員は日本語を話します 👩‍💻👍🏽 🇩🇪🇯🇵 ✅ done")
    await waitForFrames(terminal)
    let shown = 0
    const show = () => {
      const frames = readFrames(terminal)
      screen.write(frames.slice(shown))
      shown = frames.length
    }
    try {
      for (const { heads, sizes } of steps) {
        for (const size of sizes) {
          show()
          terminal.resize(...size)
          screen.resize(...size)
          terminal.type("typed\n")
        }
        await waitForFrames(terminal, 6)
        show()
        const text = screen.lines.join("\n")
        expect(text).toContain("12 running")
        expect(text).not.toContain("typed")
        expect({ sizes, heads: countHeads(screen.lines) }).toEqual({ sizes, heads: 1 })
        // A line that is half scrolled off may take the next one for its rest, so a head may not start a line.
        expect({ sizes, heads: screen.history.join("\n").split("● run_").length - 1 }).toEqual({
          sizes,
          heads,
        })
        expect(screen.history.filter((line) => line.startsWith("earlier"))).toEqual(earlier)
        expect(screen.history.filter((line) => line.startsWith("program │ a line"))).toHaveLength(1)
      }
    } finally {
      world.write("go", "")
    }
    expect((await terminal.result).code).toBe(0)
  }

  test("narrower and wider", () =>
    resizeThrough([
      { sizes: [[60, 40]], heads: 1 },
      { sizes: [[120, 40]], heads: 1 },
      { sizes: [[90, 40]], heads: 1 },
      { sizes: [[130, 40]], heads: 1 },
    ]))

  test("dragged through many sizes", () =>
    resizeThrough([
      { sizes: [110, 100, 90, 80, 70, 60].map((columns) => [columns, 40] as const), heads: 1 },
      { sizes: [70, 80, 90, 100, 110, 120].map((columns) => [columns, 40] as const), heads: 1 },
    ]))

  test("lower and taller: what the terminal scrolls off is taken back", () =>
    resizeThrough([
      { sizes: [[120, 10]], heads: 2 },
      { sizes: [[120, 40]], heads: 1 },
      { sizes: [[40, 12]], heads: 2 },
      { sizes: [[130, 40]], heads: 1 },
    ]))
})
