/** A world for watchers: agents that wait until the test lets them go on, and watchers whose output is gathered. */
import { appendFileSync } from "node:fs"
import { join } from "node:path"
import { eventually, jsonlDriver, makeWorld, writeConfig, writeScript } from "../support/mill.ts"

export type Item = {
  readonly kind: string
  readonly runId: string
  readonly event?: { readonly type: string; readonly sequence: number }
  readonly line?: string
  readonly lines?: number
  readonly source?: string
  readonly stream?: string
  readonly spawnId?: string
}
export const items = (text: string): ReadonlyArray<Item> =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))

/** Tells that a watcher of printed lines listens: it hears what the program prints again and again. */
export const ticking = `let ticks = 0
const ticker = setInterval(() => console.log("tick", ticks++), 20)
`

export const makeWatchWorld = () => {
  const world = makeWorld()
  const result = `echo '{"type":"result","text":"done"}'`
  /** Agents and programs that wait for a file of the world, so that a test says when they go on. */
  const gate = (name: string) => join(world.dir, name)
  const untilGate = `read -r input
gate=$(echo "$input" | sed 's/.*"prompt":"\\([^"]*\\)".*/\\1/')
while [ ! -e "$gate" ]; do sleep 0.02; done`
  writeConfig(world, {
    gated: jsonlDriver(
      writeScript(
        world,
        "gated",
        `${untilGate}
echo '{"type":"tool_call","toolName":"look"}'
echo "agent $MILL_SPAWN_ID"; echo "agent error $MILL_SPAWN_ID" >&2
${result}`,
      ),
    ),
    busy: jsonlDriver(
      writeScript(
        world,
        "busy",
        `${untilGate}
seq 1 100000 | sed 's/.*/{"type":"tool_call","toolName":"t&"}/'
${result}`,
      ),
    ),
    noisy: jsonlDriver(
      writeScript(
        world,
        "noisy",
        `${untilGate}
seq 1 100000 | sed 's/.*/noise & ${"x".repeat(200)}/'
${result}`,
      ),
    ),
  })
  const spawn = (prompt: string) =>
    `mill.spawn({ agent: "a", systemPrompt: "s", prompt: ${JSON.stringify(prompt)}, model: "m" })`

  const begin = async (source: string, args: ReadonlyArray<string> = []): Promise<string> => {
    const program = world.write(`program-${Math.random()}.ts`, source)
    const { stdout } = await world.mill(["run", program, "--json", ...args])
    return JSON.parse(stdout).runId
  }
  const open = (name: string) => appendFileSync(gate(name), "")

  /** A watcher whose output is gathered as it comes. */
  const follow = (args: ReadonlyArray<string>) => {
    const child = world.start(["watch", "--json", ...args])
    const seen = { out: "", err: "" }
    const gather = async (stream: ReadableStream<Uint8Array>, key: "out" | "err") => {
      const decoder = new TextDecoder()
      for await (const chunk of stream) seen[key] += decoder.decode(chunk, { stream: true })
    }
    const gathered = Promise.all([gather(child.stdout, "out"), gather(child.stderr, "err")])
    const has = (text: string) => eventually(`the watcher tells ${text}`, () => seen.out.includes(text))
    const end = async () => {
      await gathered
      return { code: await child.exited, items: items(seen.out), stderr: seen.err }
    }
    return { child, has, seen, end }
  }
  return { world, gate, open, spawn, begin, follow }
}
