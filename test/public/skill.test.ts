/** The skill file says nothing that the payload does not know. */
import { beforeAll, describe, expect, test } from "bun:test"
import { Schema } from "effect"
import { Discovery } from "../../src/domain/discovery.schema.ts"
import { renderSkill } from "../../src/cli/skill.render.ts"
import { makeWorld } from "../support/mill.ts"

const world = makeWorld()
world.write(
  "mill.config.ts",
  `import { defineConfig } from "@mill/core"
export default defineConfig({
  defaultDriver: "offline",
  authoring: { instructions: "Cheap models search." },
  extensions: [{ name: "tracker", description: "Tickets", api: { open: async () => 1 }, docs: { open: { description: "Opens a ticket", type: "(title: string) => Promise<number>" } } }],
})`,
)

let payload: Discovery
let skill: string
beforeAll(async () => {
  const { stdout } = await world.mill(["--help", "--json"])
  payload = Schema.decodeUnknownSync(Discovery)(JSON.parse(stdout))
  skill = renderSkill(payload)
})

/** The text without the example program and the payload's own sentences. */
const matches = (expression: RegExp) => [...skill.matchAll(expression)].map(([, match = ""]) => match)

describe("the skill file", () => {
  test("begins with a name and a description, one line each", () => {
    const [, front = ""] = /^---\n([^]*?)\n---\n/.exec(skill) ?? []
    const fields = front.split("\n").map((line) => line.slice(0, line.indexOf(":")))
    expect(fields).toEqual(["name", "description"])
    // What a skill's description may have.
    expect(front.length).toBeLessThan(1024)
    expect(skill).toEndWith("\n")
    expect(skill).not.toMatch(/undefined|\[object|\n\n\n/)
  })

  test("names existing commands and flags", () => {
    const commands = matches(/(?:`|^| {4})mill ([a-z]+)/gm)
    expect(new Set(commands).size).toBeGreaterThan(4)
    for (const name of commands) expect(Object.keys(payload.commands)).toContain(name)
    const flags = [
      ...Object.values(payload.commands).flatMap((command) => command.flags),
      ...payload.globalFlags,
    ]
    const named = matches(/(?<![\w-])(--[a-z][a-z-]*)/g)
    expect(new Set(named).size).toBeGreaterThan(4)
    for (const flag of named) expect(flags.map(({ name }) => name)).toContain(flag)
  })

  test("names all exit codes, causes and fields, and no others", () => {
    const [, codes = ""] = /Exit codes:\n\n([^]*?)\n\n/.exec(skill) ?? []
    expect([...codes.matchAll(/^- (\d+):/gm)].map(([, code]) => code)).toEqual(Object.keys(payload.exitCodes))
    for (const cause of Object.keys(payload.programApi.error.causes))
      expect(skill).toContain(`- \`${cause}\``)
    for (const field of payload.programApi.resultFields) expect(skill).toContain(`\`${field}\``)
  })

  test("names exactly the members of the global mill", () => {
    const { globals } = payload.programApi
    const known = [...Object.keys(globals), "mill.tracker", "mill.tracker.open"]
    for (const name of known) expect(skill).toContain(name)
    for (const name of matches(/(?<![\w.])(mill\.[a-z]+(?:\.[a-z]+)?)\b(?!\.ts)/g))
      expect(known).toContain(name)
  })

  test("contains the example, the drivers with their models, and the instructions of the configuration", () => {
    expect(skill).toContain(payload.programApi.example.source.trimEnd())
    for (const [name, { models }] of Object.entries(payload.drivers)) {
      expect(skill).toContain(`- \`${name}\``)
      for (const model of models) expect(skill).toContain(`\`${model}\``)
    }
    expect(skill).toContain("`offline` (default)")
    expect(skill).toContain("Cheap models search.")
    expect(skill).toContain("`mill.tracker.open`: `(title: string) => Promise<number>`: Opens a ticket")
    for (const line of Object.values(payload.async)) expect(skill).toContain(line)
  })
})
