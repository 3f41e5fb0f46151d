/** The tables and lists of the pages against the schemas, the commands and a real run. */
import { describe, expect, test } from "bun:test"
import { Schema } from "effect"
import { readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { AcpOptions } from "../../src/codecs/acp.codec.ts"
import { HttpCodecOptions } from "../../src/codecs/http.codec.ts"
import { TextOptions } from "../../src/codecs/text.codec.ts"
import { oldestTested } from "../../src/codecs/tested-version.codec.ts"
import { MillConfig, ProcessDriverConfig, VmExecutorConfig } from "../../src/domain/config.schema.ts"
import { EngineSettings } from "../../src/domain/engine.schema.ts"
import { MillEvent } from "../../src/domain/event.schema.ts"
import { ExtensionConfig } from "../../src/domain/extension.schema.ts"
import { SpawnFailure } from "../../src/domain/host-protocol.schema.ts"
import { HttpDriverConfig } from "../../src/domain/http-config.schema.ts"
import { ScriptedResult } from "../../src/domain/scripted-agent.schema.ts"
import { SpawnOptions, SpawnResult } from "../../src/domain/spawn.schema.ts"
import { createMill } from "../../src/public/mill.api.ts"
import { makeScript } from "../../src/runtime/offline/script.ts"
import { makeWorld, repository } from "../support/mill.ts"
import { findPage, readme, readNames, readSpans, readTable } from "./pages.ts"

const world = makeWorld()
const timeout = 120_000
const hello = world.write("hello.ts", readme.blocks.find(({ file }) => file === "hello.ts")?.text ?? "")

/** The names in the first column are those of the fields, in any order. */
const expectNames = (page: string, head: string, fields: object) => {
  const names = Object.keys(fields).filter((name) => name !== "type")
  expect(readNames(page, head).toSorted()).toEqual(names.toSorted())
}

describe("tables name", () => {
  test("the oldest tested version of each agent", () => {
    const rows = readTable("drivers", "Agent | Oldest tested version").map(([agent = "", version]) => [
      agent.replaceAll("`", ""),
      version,
    ])
    expect(Object.fromEntries(rows)).toEqual({ ...oldestTested })
  })
  test(
    "every built-in driver",
    async () => {
      const { stdout } = await world.mill(["run", hello, "--driver", "no-such-driver", "--json"])
      const [, names = ""] = /available: (.*)$/.exec(JSON.parse(stdout).error.message) ?? []
      expect(readNames("drivers", "Driver").toSorted()).toEqual(names.split(", ").toSorted())
    },
    timeout,
  )

  test("every key of the configuration, of drivers, executors and codecs", () => {
    expectNames("configuration", "Key", MillConfig.fields)
    expectNames("drivers", "Option of `processDriver`", ProcessDriverConfig.fields)
    expectNames("http-apis", "Option of `httpDriver`", HttpDriverConfig.fields)
    expectNames("http-apis", "Option of an HTTP codec", HttpCodecOptions.fields)
    expectNames("acp", "Option of `acpCodec`", AcpOptions.fields)
    expectNames("codecs", "Option of `textCodec`", TextOptions.fields)
    expectNames("sandbox", "Option of `vmExecutor`", VmExecutorConfig.fields)
    expectNames("library", "Option of `createMill`", EngineSettings.fields)
  })

  test("every field of a spawn and of its answer", () => {
    expectNames("programs", "Field", SpawnOptions.fields)
    const { errorMessage: _, ...fields } = SpawnResult.fields
    expectNames("programs", "Field of an answer", fields)
    const answer = readme.prose.slice(readme.prose.indexOf("An answer contains"))
    for (const name of Object.keys(fields)) expect(answer).toContain(`\`${name}\``)
  })

  test("every part of an extension", () => {
    const { description: _, name: _name, ...parts } = ExtensionConfig.fields
    expect(readNames("extensions", "Part")).toEqual(Object.keys(parts))
  })

  test("every cause of a failed spawn", () => {
    const isCause = Schema.is(SpawnFailure.fields.cause)
    const causes = readNames("programs", "`cause`")
    expect(causes.length).toBe(10)
    expect(causes.filter((cause) => !isCause(cause))).toEqual([])
  })

  test("every event", () => {
    expect(new Set(readNames("run-directory", "Event"))).toEqual(new Set(Object.keys(MillEvent.cases)))
  })

  test("every method of the library", async () => {
    const mill = createMill()
    const names = readNames("library", "Method").map((name) => name.replace(/\(.*/, ""))
    expect(names.toSorted()).toEqual(Object.keys(mill).toSorted())
    await mill.close()
  })

  test("and text every field of a scripted agent's answer", () => {
    const spans = readSpans(findPage("testing"))
    for (const key of Object.keys(ScriptedResult.fields))
      expect(spans.map((span) => span.replace(/\(.*/, ""))).toContain(key)
  })

  test("the directives that the offline agent obeys", () => {
    const examples: Record<string, string> = {
      TEXT: "some words",
      VALUE: '{"a":[1]}',
      "NAME INPUT": 'read {"path":"a"}',
      SECONDS: "0.1",
      LINES: "3",
      BYTES: "9",
      MESSAGE: "no luck",
      CODE: "4",
    }
    const scriptFor = (prompt: string) =>
      makeScript({ type: "spawn", agent: "a", systemPrompt: "s", model: "m", prompt })
    const plain = scriptFor("[unknown] task")
    expect(JSON.stringify(plain)).toContain("[unknown] task")
    const directives = readNames("offline-agent", "Directive")
    expect(directives.length).toBeGreaterThan(5)
    for (const directive of directives) {
      const [, name = "", argument] = /^\[(\w+)(?: (.*))?\]$/.exec(directive) ?? []
      const directiveText = argument === undefined ? `[${name}]` : `[${name} ${examples[argument] ?? "?"}]`
      expect(JSON.stringify(scriptFor(`${directiveText} task`)), directive).not.toContain(
        JSON.stringify(directiveText).slice(1, -1),
      )
    }
    // No directive is left out: the list is the one at the head of the script.
    const source = readFileSync(join(repository, "src/runtime/offline/directives.ts"), "utf8")
    const documented = [...source.matchAll(/^ \* {5}(\[.*?\]) /gm)].map(([, directive]) => directive)
    expect(directives).toEqual(documented.map(String))
  })
})

describe("exit codes", () => {
  const table = readTable("readme", "Exit code").map(([cell]) => Number(cell))
  const program = (name: string, text: string) => world.write(`exits/${name}.ts`, text)
  const fine = program("fine", "export default 1")
  const spawning = (prompt: string) =>
    `await mill.spawn({ agent: "a", systemPrompt: "s", prompt: ${JSON.stringify(prompt)}, model: "m" })`
  const readExitCode = async (...args: ReadonlyArray<string>) => (await world.mill(args)).code
  const offline = ["--driver", "offline"] as const

  const cases: Readonly<Record<number, () => Promise<ReadonlyArray<number | null>>>> = {
    0: async () => [
      await readExitCode("run", fine, "--sync", ...offline),
      await readExitCode("run", fine, ...offline),
      ...(await Promise.all([
        readExitCode("wait", "last", "--timeout", "20"),
        readExitCode("watch", "--run", "last"),
        readExitCode("status", "last"),
      ])),
    ],
    1: async () => [
      await readExitCode("run", program("bad", spawning("[fail no luck]")), "--sync", ...offline),
      ...(await Promise.all([
        readExitCode("wait", "last", "--timeout", "20"),
        readExitCode("watch", "--run", "last"),
      ])),
    ],
    2: () =>
      Promise.all([
        readExitCode("run"),
        readExitCode("run", "no-such-program.ts", ...offline),
        readExitCode("run", program("syntax", "const = 1"), ...offline),
        readExitCode("run", fine, "--no-such-flag"),
        readExitCode("run", fine, "--driver", "no-such-driver"),
      ]),
    3: () => Promise.all([readExitCode("status", "run_z"), readExitCode("wait", "run_z", "--timeout", "1")]),
    124: async () => {
      await readExitCode("run", program("hangs", spawning("[hang]")), ...offline)
      const codes = [await readExitCode("wait", "last", "--timeout", "0")]
      await readExitCode("cancel", "last")
      return codes
    },
    130: async () => {
      await readExitCode("run", program("hangs", spawning("[hang]")), ...offline)
      expect(await readExitCode("cancel", "last")).toBe(0)
      return Promise.all([
        readExitCode("wait", "last", "--timeout", "20"),
        readExitCode("watch", "--run", "last"),
      ])
    },
  }

  test("are all there are", () => {
    expect(table).toEqual(Object.keys(cases).map(Number))
  })
  for (const expected of table) {
    test(
      `${expected}`,
      async () => {
        const codes = (await cases[expected]?.()) ?? []
        expect(codes.length).toBeGreaterThan(0)
        expect(codes).toEqual(codes.map(() => expected))
      },
      timeout,
    )
  }
})

describe("a run on disk", () => {
  test(
    "has the files that the page lists",
    async () => {
      const { blocks } = findPage("run-directory")
      const tree = blocks.find(({ text }) => text.startsWith("~/.mill/runs/"))?.text ?? ""
      const names = [...tree.matchAll(/^ {2}(\S+?)\/? /gm)].map(([, name = ""]) => name)
      expect(names.length).toBeGreaterThan(6)
      const { events, record } = await world.run(hello, ["--driver", "offline"])
      for (const name of names) expect(statSync(join(record.paths.runDir, name)).mode & 0o077, name).toBe(0)

      const shown = blocks.find(({ text }) => text.startsWith('{"schemaVersion"'))?.text ?? "{}"
      const start = events.find(({ type }) => type === "spawn:start")
      const toShape = (value: unknown): unknown =>
        typeof value === "object" && value !== null
          ? Object.entries(value).map(([key, one]) => [key, toShape(one)])
          : typeof value
      expect(toShape(JSON.parse(shown))).toEqual(toShape(start))
    },
    timeout,
  )
})

describe("this repository's mill.config.ts", () => {
  test(
    "rehearses unless an agent is named, and offers readers",
    async () => {
      const elsewhere = { cwd: repository }
      const run = await world.run(join(repository, "examples/sequential.ts"), [], elsewhere)
      expect(run.record).toMatchObject({ status: "complete", driver: "offline" })
      const { stdout } = await world.mill(
        ["run", "examples/sequential.ts", "--driver", "?", "--json"],
        elsewhere,
      )
      expect(stdout).toContain("claude, pi, codex, offline, claude-reader, codex-reader, pi-reader")
    },
    timeout,
  )
})
