/**
 * Draws docs/live-view.svg, the picture in the README: starts a run in tmux, waits until it has spawns in every state,
 * and turns what the terminal shows into an SVG.
 *
 * Usage: bun scripts/live-view.ts
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"

const root = resolve(import.meta.dirname, "..")
const columns = 96
const rows = 14

/** Seconds of work, then an answer, for each reviewer. The prompts hold directives of the offline agent. */
const program = `/// <reference types="@mill/core/program" />
const reviewers = {
  security: "[sleep 0.3] [milestone following the request into the query] [sleep 0.5] [tool Grep db.query] [sleep 30]",
  correctness: "[sleep 0.6] [tool Read src/store/event-log.ts] [sleep 30]",
  performance: "[sleep 0.2] [say one query per invoice]",
  accessibility: "[sleep 0.4] [say the total has no label]",
  errors: "[sleep 0.5] [fail the model is overloaded]",
  tests: "[sleep 0.7] [milestone running the suite] [sleep 30]",
  docs: "[sleep 0.9] [tool Edit docs/invoices.md] [sleep 30]",
}
mill.log(\`\${Object.keys(reviewers).length} reviewers are reading src/invoice.ts\`)
await Promise.allSettled(
  Object.entries(reviewers).map(async ([agent, prompt], index) => {
    await Bun.sleep(index * 200)
    const model = index % 2 === 0 ? "opus" : "sonnet"
    return mill.spawn({ agent, systemPrompt: "You review code.", prompt, model })
  }),
)
`
const config = `export default { defaultDriver: "offline", confirm: false }\n`

/** What the terminal must show before the picture is taken. */
const isReady = (screen: string) =>
  ["4 running", "2 complete", "1 failed", "Grep", "Read", "running the suite", "Edit"].every((text) =>
    screen.includes(text),
  )

const folder = mkdtempSync(join(tmpdir(), "mill-live-view-"))
const write = (name: string, text: string) => {
  mkdirSync(resolve(folder, name, ".."), { recursive: true })
  writeFileSync(join(folder, name), text)
}
write("app/review.ts", program)
write("app/mill.config.ts", config)
write("bin/mill", `#!/bin/sh\nexec '${process.execPath}' '${root}/src/bin/mill.ts' "$@"\n`)
chmodSync(join(folder, "bin/mill"), 0o755)

const tmux = (...args: ReadonlyArray<string>): string => {
  const { exitCode, stderr, stdout } = Bun.spawnSync(["tmux", "-L", "mill-live-view", ...args], {
    cwd: join(folder, "app"),
    env: {
      PATH: `${folder}/bin:${process.env["PATH"]}`,
      HOME: folder,
      MILL_HOME: join(folder, ".mill"),
      LANG: "C.UTF-8",
    },
  })
  if (exitCode !== 0) throw new Error(`tmux ${args[0]}: ${stderr}`)
  return stdout.toString()
}

/** Waits until the terminal shows what it should. */
const awaitScreen = async (isShown: (screen: string) => boolean): Promise<string> => {
  const deadline = Date.now() + 20_000
  while (Date.now() < deadline) {
    const screen = tmux("capture-pane", "-e", "-p")
    if (isShown(screen)) return screen
    await Bun.sleep(50)
  }
  throw new Error(`the terminal did not show the expected screen:\n${tmux("capture-pane", "-p")}`)
}

const capture = async (): Promise<string> => {
  tmux("new-session", "-d", "-x", `${columns}`, "-y", `${rows}`, "env 'PS1=$ ' bash --norc --noprofile")
  await awaitScreen((screen) => screen.startsWith("$"))
  tmux("send-keys", "mill run review.ts --sync", "Enter")
  return awaitScreen(isReady)
}

const screen = await capture().finally(() => {
  Bun.spawnSync([join(folder, "bin/mill"), "cancel", "last"], {
    env: { ...process.env, MILL_HOME: join(folder, ".mill") },
  })
  tmux("kill-server")
  rmSync(folder, { recursive: true, force: true })
})

const colors: Readonly<Record<number, string>> = {
  31: "#ff7b72",
  32: "#7ee787",
  33: "#e3b341",
  36: "#56d4dd",
}
const cell = { width: 8.4, height: 20 }
const margin = 16

const escapeXml = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

/** The attributes in force: tmux prints what changes, so they carry over from line to line. */
let style = { bold: false, dim: false, color: "" }

/** The texts of a line. Each has its own place and width, so that columns line up in any font. */
const drawLine = (line: string, row: number): string => {
  let column = 0
  const texts: Array<string> = []
  const [start = "", ...rest] = line.split("\u001b[")
  for (const piece of [`m${start}`, ...rest]) {
    const [, codes = "", text = ""] = /^([\d;]*)m(.*)$/.exec(piece) ?? []
    for (const code of codes === "" ? [] : codes.split(";").map(Number)) {
      if (code === 0) style = { bold: false, dim: false, color: "" }
      else if (code === 1) style = { ...style, bold: true }
      else if (code === 2) style = { ...style, dim: true }
      else if (code === 22) style = { ...style, bold: false, dim: false }
      else if (code === 39) style = { ...style, color: "" }
      else style = { ...style, color: colors[code] ?? style.color }
    }
    for (const { 0: word, index } of text.matchAll(/\S+(?: \S+)*/g)) {
      const x = margin + (column + index) * cell.width
      const attributes = [
        `x="${x.toFixed(1)}" y="${margin + 14 + row * cell.height}"`,
        `textLength="${(word.length * cell.width).toFixed(1)}"`,
        style.bold ? `font-weight="bold"` : "",
        style.dim ? `fill="#9198a1"` : style.color === "" ? "" : `fill="${style.color}"`,
      ]
      texts.push(`<text ${attributes.filter((part) => part !== "").join(" ")}>${escapeXml(word)}</text>`)
    }
    column += text.length
  }
  return texts.join("\n")
}

const lines = screen.trimEnd().split("\n")
const width = Math.ceil(columns * cell.width + 2 * margin)
const height = lines.length * cell.height + 2 * margin
// A dark window with a border of its own reads well on light and on dark pages.
const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>The live view of mill run --sync: four agents at work, two complete, one failed</title>
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8" fill="#0d1117" stroke="#57606a"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="#e6edf3" xml:space="preserve">
${lines
  .map(drawLine)
  .filter((line) => line !== "")
  .join("\n")}
</g>
</svg>
`
writeFileSync(join(root, "docs/live-view.svg"), svg)
