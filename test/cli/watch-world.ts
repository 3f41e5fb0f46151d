/** A world for watchers: agents wait until the test opens their gate, and watchers collect their output. */
import { appendFileSync } from "node:fs"
import { join } from "node:path"
import { waitFor, formatJsonlDriver, makeWorld, writeConfig, writeScript } from "../support/mill.ts"

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
export const parseItems = (text: string): ReadonlyArray<Item> =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))

/** Makes a program print all the time, so that a watcher shows when it receives lines. */
export const ticking = `let ticks = 0
const ticker = setInterval(() => console.log("tick", ticks++), 20)
`

export const makeWatchWorld = () => {
  const world = makeWorld()
  const result = `echo '{"type":"result","text":"done"}'`
  /** Names the file for which an agent or a program waits. */
  const gate = (name: string) => join(world.dir, name)
  const untilGate = `read -r input
gate=\${input#*\\"prompt\\":\\"}; gate=\${gate%%\\"*}
while [ ! -e "$gate" ]; do sleep 0.02; done`
  writeConfig(world, {
    gated: formatJsonlDriver(
      writeScript(
        world,
        "gated",
        `${untilGate}
echo '{"type":"tool_call","toolName":"look"}'
echo "agent $MILL_SPAWN_ID"; echo "agent error $MILL_SPAWN_ID" >&2
${result}`,
      ),
    ),
    busy: formatJsonlDriver(
      writeScript(
        world,
        "busy",
        `${untilGate}
seq -f '{"type":"tool_call","toolName":"t%.0f"}' 1 100000
${result}`,
      ),
    ),
    noisy: formatJsonlDriver(
      writeScript(
        world,
        "noisy",
        `${untilGate}
seq -f 'noise %.0f ${"x".repeat(200)}' 1 100000
${result}`,
      ),
    ),
    long: formatJsonlDriver(
      writeScript(
        world,
        "long",
        `${untilGate}
echo before; head -c 20000000 /dev/zero | tr '\\0' x; echo; echo after
${result}`,
      ),
    ),
  })
  const formatSpawn = (prompt: string) =>
    `mill.spawn({ agent: "a", systemPrompt: "s", prompt: ${JSON.stringify(prompt)}, model: "m" })`

  const begin = async (source: string, args: ReadonlyArray<string> = []): Promise<string> => {
    const program = world.write(`program-${Math.random()}.ts`, source)
    const { stdout } = await world.mill(["run", program, "--json", ...args])
    return JSON.parse(stdout).runId
  }
  const open = (name: string) => appendFileSync(gate(name), "")

  /** Starts a watcher and collects its output. */
  const follow = (args: ReadonlyArray<string>) => {
    const child = world.start(["watch", "--json", ...args])
    const output = { out: "", err: "" }
    const collect = async (stream: ReadableStream<Uint8Array>, key: "out" | "err") => {
      const decoder = new TextDecoder()
      for await (const chunk of stream) output[key] += decoder.decode(chunk, { stream: true })
    }
    const collected = Promise.all([collect(child.stdout, "out"), collect(child.stderr, "err")])
    const waitForText = (text: string) =>
      waitFor(`the watcher to print ${text}`, () => output.out.includes(text))
    const end = async () => {
      await collected
      return { code: await child.exited, items: parseItems(output.out), stderr: output.err }
    }
    return { child, waitForText, output, end }
  }
  return { world, gate, open, formatSpawn, begin, follow }
}
