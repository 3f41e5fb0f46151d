/** The live view in a real terminal, and its lines at any width. */
import { describe, expect, test } from "bun:test"
import { foldEvent, newLiveRun, renderLiveRun } from "../../src/cli/live.render.ts"
import { clipLine, fitLine, plainStyle } from "../../src/cli/style.render.ts"
import { makeSpawnId } from "../../src/domain/ids.schema.ts"
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

/** Waits for two more frames, so that the last change is on the screen. */
const waitForFrames = async ({ readOutput }: TerminalSession) => {
  const countFrames = () => readOutput().split("\u001b[?2026l").length
  const before = countFrames()
  await waitFor("two frames", () => countFrames() > before + 1)
}
/** The output up to the end of the last whole frame. */
const readFrames = ({ readOutput }: TerminalSession) =>
  readOutput().slice(0, readOutput().lastIndexOf("\u001b[?2026l"))

const countHeads = (screen: Screen) => screen.lines.filter((line) => line.startsWith("● run_")).length

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
    expect(countHeads(screen)).toBe(1)

    terminal.type("typed\n\nand more\n")
    await waitForFrames(terminal)
    show()
    expect(countHeads(screen)).toBe(1)
    expect(screen.lines.join("\n")).not.toContain("typed")

    world.write("go", "")
    expect((await terminal.result).code).toBe(0)
  }
})
