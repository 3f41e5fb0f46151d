import { describe, expect, test } from "bun:test"
import { existsSync, mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { loneSurrogate, prompts } from "../programs/prompts.ts"
import {
  formatJsonlDriver,
  makeWorld,
  filterEvents,
  repository,
  writeAgent,
  writeConfig,
  writeScript,
} from "../support/mill.ts"

const world = makeWorld()
const received = join(world.dir, "received")
mkdirSync(received)

/** Writes the prompt's UTF-16 code units, which can encode lone surrogates. */
const jsonl = writeAgent(
  world,
  "jsonl",
  `const { prompt } = JSON.parse(await Bun.stdin.text())
await Bun.write("${received}/jsonl." + process.env.MILL_SPAWN_ID, Buffer.from(prompt, "utf16le"))
console.log(JSON.stringify({ type: "result", text: "received" }))`,
)
const stdin = writeScript(world, "stdin", `cat > "${received}/stdin.$MILL_SPAWN_ID"; echo received`)
const argument = writeScript(world, "argument", `printf '%s' "$1" > "${received}/argument.$MILL_SPAWN_ID"`)
const text = (command: string, options: string) =>
  `processDriver({ command: ${JSON.stringify(command)}, codec: textCodec(${options}) })`
writeConfig(world, {
  jsonl: formatJsonlDriver(jsonl),
  stdin: text(stdin, ""),
  argument: text(argument, `{ args: ["{prompt}"], stdin: "" }`),
})

type Outcome = { readonly text?: string; readonly cause?: string; readonly message?: string }

const send = async (driver: string) => {
  const ended = await world.run(`${repository}/test/programs/send-prompts.ts`, ["--driver", driver])
  const outcomes = ended.result.programResult as ReadonlyArray<Outcome>
  const got = (index: number) => {
    const file = join(received, `${driver}.spawn_${index + 1}`)
    return existsSync(file) ? readFileSync(file) : undefined
  }
  return { ...ended, outcomes, got }
}

/** Tests compare hashes, because a megabyte in an error message is unreadable. */
const sha256 = (bytes: Uint8Array | undefined) =>
  bytes === undefined ? "nothing" : new Bun.CryptoHasher("sha256").update(bytes).digest("hex")

test("every prompt reaches an agent that reads JSON intact", async () => {
  const { code, got, outcomes } = await send("jsonl")
  const all = [...prompts, ["half a pair", loneSurrogate] as const]
  for (const [index, [name, prompt]] of all.entries()) {
    expect({ name, sha256: sha256(got(index)) }).toEqual({
      name,
      sha256: sha256(Buffer.from(prompt, "utf16le")),
    })
    expect(outcomes[index]).toEqual({ text: "received" })
  }
  expect(code).toBe(0)
})

test("every prompt that is valid UTF-8 is intact on standard input", async () => {
  const { events, got, outcomes } = await send("stdin")
  for (const [index, [name, prompt]] of prompts.entries()) {
    expect({ name, sha256: sha256(got(index)) }).toEqual({
      name,
      sha256: sha256(Buffer.from(`You are\nterse.\n\n${prompt}`)),
    })
    expect(outcomes[index]).toEqual({ text: "received" })
  }
  const last = prompts.length
  expect(outcomes[last]).toMatchObject({ name: "MillSpawnError", cause: "codec" })
  expect(outcomes[last]?.message).toMatch(/^prompt: .*surrogate/)
  expect(got(last)).toBeUndefined()
  expect(filterEvents(events, "spawn:error")).toHaveLength(1)
})

describe("a prompt as an argument", () => {
  const refusals: Readonly<Record<string, RegExp>> = {
    "a megabyte": /^prompt: too long for a command-line argument \(1048576 bytes/,
    "a flag": /^prompt: starts with a dash/,
    "a dash": /^prompt: starts with a dash/,
    NUL: /^prompt: contains a NUL/,
  }
  test("is intact, or the spawn is refused with the name of the field", async () => {
    const { code, events, got, outcomes } = await send("argument")
    for (const [index, [name, prompt]] of prompts.entries()) {
      const refusal = refusals[name]
      if (refusal === undefined) {
        expect({ name, got: got(index)?.toString() }).toEqual({ name, got: prompt })
      } else {
        expect(outcomes[index]).toMatchObject({
          name: "MillSpawnError",
          cause: "codec",
          spawnId: `spawn_${index + 1}`,
        })
        expect(outcomes[index]?.message).toMatch(refusal)
        expect(got(index)).toBeUndefined()
      }
    }
    const refused = filterEvents(events, "spawn:error").map(({ payload }) => payload)
    expect(refused).toHaveLength(Object.keys(refusals).length + 1)
    expect(refused.every(({ cause }) => cause === "codec")).toBe(true)
    expect(code).toBe(0)
  })
})
