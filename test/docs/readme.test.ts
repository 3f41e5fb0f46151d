/** What the README says, held against what is so. */
import { describe, expect, test } from "bun:test"
import { Schema } from "effect"
import { mkdirSync, readFileSync, statSync, symlinkSync } from "node:fs"
import { dirname, join } from "node:path"
import { HttpCodecOptions } from "../../src/codecs/http.codec.ts"
import { MillConfig, ProcessDriverConfig } from "../../src/domain/config.schema.ts"
import { MillEvent } from "../../src/domain/event.schema.ts"
import { ExtensionConfig } from "../../src/domain/extension.schema.ts"
import { SpawnFailure } from "../../src/domain/host-protocol.schema.ts"
import { ScriptedResult } from "../../src/domain/scripted-agent.schema.ts"
import { createMill } from "../../src/public/mill.api.ts"
import { HttpDriverConfig } from "../../src/domain/http-config.schema.ts"
import { scriptOf } from "../../src/runtime/offline/offline-script.effect.ts"
import { waitFor, makeWorld, repository, writeScript } from "../support/mill.ts"
import { startModelServer } from "../support/model-server.ts"
import { scripts as built } from "../../scripts/entries.ts"

const world = makeWorld()
const timeout = 30_000
const readme = readFileSync(join(repository, "README.md"), "utf8")

type Block = { readonly language: string; readonly text: string; readonly file?: string }

/** The code blocks. One whose first line, or second after `#!`, is a comment of nothing but a path is that file. */
const blocks: ReadonlyArray<Block> = [...readme.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(
  ([, language = "", text = ""]) => {
    const file = /^(?:#!.*\n)?(?:\/\/|#) (\S+\.(?:ts|sh))\n/.exec(text)?.[1]
    return { language, text, ...(file === undefined ? {} : { file }) }
  },
)

const prose = readme.replace(/^```\w+\n.*?^```$/gms, "")
const spans = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, span = ""]) => span)

/** All command lines, of the blocks and of the text. */
const commandLines = [
  ...blocks.flatMap(({ file, language, text }) =>
    language === "sh" && file === undefined ? text.trimEnd().split("\n") : [],
  ),
  ...spans.filter((span) => /^(?:mill|npm|bun|MILL_\w+=\S+ npm) /.test(span)),
]

/** The rows of the table under the heading whose first cell is `head`: their cells. */
const tableOf = (head: string): ReadonlyArray<ReadonlyArray<string>> => {
  const lines = readme.split("\n")
  const start = lines.findIndex((line) => line.startsWith(`| ${head} |`))
  if (start === -1) throw new Error(`the README has no table ${head}`)
  const end = lines.findIndex((line, index) => index > start && !line.startsWith("|"))
  return lines.slice(start + 2, end).map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  )
}

const code = (cell = ""): string => /^`(.+)`$/.exec(cell)?.[1] ?? cell

for (const { file, text } of blocks) {
  if (file !== undefined) world.write(file, text, file.endsWith(".sh") ? 0o755 : 0o644)
}

// The folder of a project that uses Effect itself.
mkdirSync(join(world.dir, "library/node_modules"), { recursive: true })
symlinkSync(join(repository, "node_modules/effect"), join(world.dir, "library/node_modules/effect"))

const help = async (...command: ReadonlyArray<string>) => (await world.mill([...command, "--help"])).stdout

describe("the README's commands", () => {
  const mine = commandLines.filter((line) => line.startsWith("mill "))

  test(
    "of mill exist, with their flags",
    async () => {
      expect(mine.length).toBeGreaterThan(8)
      const listed = /^SUBCOMMANDS\n(?: {2}\S.*\n?)+/m.exec(await help())?.[0] ?? ""
      const commands = [...listed.matchAll(/^ {2}(\w+)/gm)].map(([, name = ""]) => name)
      const helps = new Map(
        await Promise.all(commands.map(async (name) => [name, await help(name)] as const)),
      )
      for (const line of mine) {
        const [, word = "", ...rest] = line.split(" ")
        const known = word.startsWith("-") ? await help() : helps.get(word)
        expect(known, line).toBeDefined()
        for (const flag of [word, ...rest].filter((part) => /^--\w/.test(part))) {
          expect(known, line).toContain(flag)
        }
      }
      const table = tableOf("Command").map(([cell]) => code(cell).split(" ")[1] ?? "")
      expect(table.toSorted()).toEqual(commands.toSorted())
      for (const [cell, told = ""] of tableOf("Command")) {
        const own = helps.get(code(cell).split(" ")[1] ?? "")
        for (const [flag] of told.matchAll(/--[a-z-]+/g)) expect(own, flag).toContain(flag)
      }
      for (const flag of ["--json", "--runs-dir"]) expect(await help()).toContain(flag)
    },
    timeout,
  )

  test("of npm and bun are scripts of package.json, or their own", () => {
    const { bin, scripts } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"))
    const others = commandLines.filter((line) => !line.startsWith("mill "))
    const run = others.flatMap((line) => /^(?:\w+=\S+ )?(?:npm|bun) (?:run )?(\S+)/.exec(line)?.[1] ?? [])
    expect(run.length).toBeGreaterThan(6)
    for (const name of run)
      expect([...Object.keys(scripts), "add", "install", "link", "pack"]).toContain(name)
    const alias = others.find((line) => line.startsWith("alias mill="))
    expect(Object.keys(built)).toContain(bin.mill)
    expect(alias).toContain(built["dist/mill.js"])
  })

  test("and links lead somewhere", () => {
    const targets = [...prose.matchAll(/\]\(([^)]+)\)/g)].map(([, target = ""]) => target)
    const headings = [...prose.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
      title
        .toLowerCase()
        .replaceAll(/[^\w -]/g, "")
        .replaceAll(" ", "-"),
    )
    for (const target of targets) {
      if (target.startsWith("#")) expect(headings).toContain(target.slice(1))
      else expect(statSync(join(repository, target)).size).toBeGreaterThan(0)
    }
  })
})

/** Without what differs from run to run and from machine to machine. */
const normal = (text: string): string =>
  text
    .replaceAll(/run_\w{26}/g, "RUN")
    .replaceAll(/\S*\/(hello\.ts|\.mill\/runs\/|home\/runs\/)/g, (_, end) =>
      end === "hello.ts" ? end : "RUNS/",
    )
    .replaceAll(/\d+(?:\.\d+)? m?s\b/g, "TIME")
    .replaceAll(/ +/g, " ")
    .trim()

describe("the README's first program", () => {
  test(
    "runs as written, and prints what it says",
    async () => {
      const command = blocks.find(({ text }) => text.startsWith("mill run hello.ts"))?.text.trim() ?? ""
      const shown =
        blocks.find(({ language, text }) => language === "text" && text.startsWith("✓"))?.text ?? ""
      const { code: exitCode, stdout } = await world.mill(command.split(" ").slice(1))
      expect(exitCode).toBe(0)
      const lines = (text: string) =>
        normal(text)
          .split("\n")
          .filter((line) => !/^ ✓ #\d/.test(line))
      expect(lines(stdout)).toEqual(lines(shown))
      // How much is shown of an answer depends on how long the agents took.
      const spawns = (text: string) => [...normal(text).matchAll(/^ ✓ #\d .{40}/gm)].map(([line]) => line)
      expect(spawns(stdout)).toEqual(spawns(shown))
      expect(spawns(shown)).toHaveLength(3)
    },
    timeout,
  )
})

describe("the README's tables", () => {
  test(
    "name every built-in driver",
    async () => {
      const { stdout } = await world.mill(["run", "hello.ts", "--driver", "no-such-driver", "--json"])
      const [, names = ""] = /there are (.*)$/.exec(JSON.parse(stdout).error.message) ?? []
      expect(
        tableOf("Driver")
          .map(([cell]) => code(cell))
          .toSorted(),
      ).toEqual(names.split(", ").toSorted())
    },
    timeout,
  )

  test("name every key of the configuration and of a driver", () => {
    expect(
      tableOf("Key")
        .map(([cell]) => code(cell))
        .toSorted(),
    ).toEqual(Object.keys(MillConfig.fields).toSorted())
    const keys = (start: string, fields: object) => {
      const [paragraph = ""] = new RegExp(`^\`${start}[^]*?\\n\\n`, "m").exec(prose) ?? []
      for (const key of Object.keys(fields)) if (key !== "type") expect(paragraph).toContain(`\`${key}\``)
    }
    keys("processDriver` takes", ProcessDriverConfig.fields)
    keys("httpDriver` takes", HttpDriverConfig.fields)
    keys("httpDriver` takes", HttpCodecOptions.fields)
  })

  test("name every part of an extension", () => {
    const { description: _, name: _name, ...parts } = ExtensionConfig.fields
    expect(tableOf("Part").map(([cell]) => code(cell))).toEqual(Object.keys(parts))
  })

  test("name causes of failed spawns that there are", () => {
    const isCause = Schema.is(SpawnFailure.fields.cause)
    const causes = tableOf("`cause`").map(([cell]) => code(cell))
    expect(causes.length).toBeGreaterThan(4)
    expect(causes.filter((cause) => !isCause(cause))).toEqual([])
  })

  test("and the text name every event", () => {
    const section = readme.slice(readme.indexOf("## A run on disk"), readme.indexOf("### What is frozen"))
    const named = [...section.matchAll(/`((?:run|spawn|extension):\w+)`/g)].map(([, type]) => type)
    expect(new Set(named)).toEqual(new Set(Object.keys(MillEvent.cases)))
  })

  test("name directives that the offline agent obeys", () => {
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
      scriptOf({ type: "spawn", agent: "a", systemPrompt: "s", model: "m", prompt })
    const plain = scriptFor("[unknown] task")
    expect(JSON.stringify(plain)).toContain("[unknown] task")
    const directives = tableOf("In a prompt").map(([cell]) => code(cell))
    expect(directives.length).toBeGreaterThan(5)
    for (const directive of directives) {
      const [, name = "", argument] = /^\[(\w+)(?: (.*))?\]$/.exec(directive) ?? []
      const given = argument === undefined ? `[${name}]` : `[${name} ${examples[argument] ?? "?"}]`
      expect(JSON.stringify(scriptFor(`${given} task`)), directive).not.toContain(
        JSON.stringify(given).slice(1, -1),
      )
    }
    // No directive is left out: the list is the one at the head of the script.
    const source = readFileSync(join(repository, "src/runtime/offline/offline-script.effect.ts"), "utf8")
    const listed = [...source.matchAll(/^ \* {5}(\[.*?\]) /gm)].map(([, directive]) => directive)
    expect(directives).toEqual(listed.map(String))
  })
})

describe("the README's exit codes", () => {
  const table = tableOf("Exit code").map(([cell]) => Number(cell))
  const program = (name: string, text: string) => world.write(`exits/${name}.ts`, text)
  const spawning = (prompt: string) =>
    `await mill.spawn({ agent: "a", systemPrompt: "s", prompt: ${JSON.stringify(prompt)}, model: "m" })`
  const exitOf = async (...args: ReadonlyArray<string>) => (await world.mill(args)).code
  const offline = ["--driver", "offline"] as const

  const cases: Readonly<Record<number, () => Promise<ReadonlyArray<number | null>>>> = {
    0: async () => [
      await exitOf("run", program("fine", "export default 1"), "--sync", ...offline),
      await exitOf("run", program("fine", "export default 1"), ...offline),
      ...(await Promise.all([
        exitOf("wait", "last", "--timeout", "20"),
        exitOf("watch", "--run", "last"),
        exitOf("status", "last"),
      ])),
    ],
    1: async () => [
      await exitOf("run", program("bad", spawning("[fail no luck]")), "--sync", ...offline),
      ...(await Promise.all([exitOf("wait", "last", "--timeout", "20"), exitOf("watch", "--run", "last")])),
    ],
    2: () =>
      Promise.all([
        exitOf("run"),
        exitOf("run", "no-such-program.ts", ...offline),
        exitOf("run", program("syntax", "const = 1"), ...offline),
        exitOf("run", "hello.ts", "--no-such-flag"),
        exitOf("run", "hello.ts", "--driver", "no-such-driver"),
      ]),
    3: () => Promise.all([exitOf("status", "run_z"), exitOf("wait", "run_z", "--timeout", "1")]),
    124: async () => {
      await exitOf("run", program("hangs", spawning("[hang]")), ...offline)
      const codes = [await exitOf("wait", "last", "--timeout", "0")]
      await exitOf("cancel", "last")
      return codes
    },
    130: async () => {
      await exitOf("run", program("hangs", spawning("[hang]")), ...offline)
      expect(await exitOf("cancel", "last")).toBe(0)
      return Promise.all([exitOf("wait", "last", "--timeout", "20"), exitOf("watch", "--run", "last")])
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

describe("the README's code", () => {
  test(
    "type-checks, in a project that has linked @mill/core",
    async () => {
      mkdirSync(join(world.dir, "node_modules/@mill"), { recursive: true })
      symlinkSync(repository, join(world.dir, "node_modules/@mill/core"))
      const files = blocks.flatMap(({ file }) => (file?.endsWith(".ts") === true ? [file] : []))
      expect(files).toContain("hello.ts")
      world.write(
        "tsconfig.json",
        JSON.stringify({
          extends: join(repository, "tsconfig.json"),
          compilerOptions: { typeRoots: [join(repository, "node_modules/@types")] },
          include: files,
          exclude: [],
        }),
      )
      const checked = Bun.spawn([join(repository, "node_modules/.bin/tsgo"), "--noEmit", "-p", world.dir], {
        stdout: "pipe",
      })
      expect(await checked.stdout.text()).toBe("")
      expect(await checked.exited).toBe(0)
    },
    timeout,
  )

  const answers: Readonly<Record<string, unknown>> = {
    http: { text: "ECHO: Why?" },
    text: { text: "WHY?" },
    acp: { text: "You said: Be.\n\nWhy?", sessionRef: "acp-1" },
    jsonl: { text: "The request has 80 characters." },
    codec: { text: "Why?", sessionRef: expect.stringMatching(/^\d+$/) },
    extension: { text: expect.stringContaining("Why?") },
  }
  const configs = blocks.flatMap(({ file }) =>
    file !== undefined && file.endsWith("/mill.config.ts") ? [dirname(file)] : [],
  )
  test("has a configuration for each kind of driver, and for extensions", () => {
    expect(configs).toEqual(Object.keys(answers))
  })
  for (const folder of configs) {
    test(
      `${folder}/mill.config.ts works`,
      async () => {
        await using server = await startModelServer()
        const file = join(folder, "mill.config.ts")
        const config = readFileSync(join(world.dir, file), "utf8")
        world.write(file, config.replace("http://localhost:11434", server.url))
        const program = world.write(
          `${folder}/ask.ts`,
          `export default await mill.spawn({ agent: "a", systemPrompt: "Be.", prompt: "Why?", model: "grey" })`,
        )
        // In the place of gemini.
        const agent = join(repository, "test/support/acp-agent.main.ts")
        writeScript(world, "bin/gemini", `exec '${process.execPath}' '${agent}' "$@" models:grey`)
        const { result } = await world.run(program, [], {
          cwd: join(world.dir, folder),
          env: { PATH: `${world.dir}/bin:${process.env["PATH"]}` },
        })
        expect(result.programResult).toMatchObject(Object(answers[folder]))
      },
      timeout,
    )
  }

  test(
    "has an extension that does what is said of it",
    async () => {
      const spawn = `await mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })`
      // A folder of its own, where nobody else's run writes.
      world.write(
        "diary/mill.config.ts",
        blocks.find(({ file }) => file?.startsWith("extension/"))?.text ?? "",
      )
      const program = world.write("diary/note.ts", `await mill.diary.note("so far so good")\n${spawn}`)
      const cwd = join(world.dir, "diary")
      const { record } = await world.run(program, [], { cwd })
      const written = () => readFileSync(join(cwd, "diary.txt"), "utf8").trimEnd().split("\n")
      await waitFor("the run is over", () => written().length === 3)
      expect(written()).toEqual(["so far so good", "a has answered", `${record.id} is over`])
    },
    timeout,
  )

  test(
    "shows an event as it is",
    async () => {
      const shown = blocks.find(({ text }) => text.startsWith('{"schemaVersion"'))?.text ?? "{}"
      const { events } = await world.run("hello.ts", ["--driver", "offline"])
      const start = events.find(({ type }) => type === "spawn:start")
      const shape = (value: unknown): unknown =>
        typeof value === "object" && value !== null
          ? Object.entries(value).map(([key, one]) => [key, shape(one)])
          : typeof value
      expect(shape(JSON.parse(shown))).toEqual(shape(start))
    },
    timeout,
  )
})

describe("the README's library", () => {
  const inRepository = ["--tsconfig-override", join(repository, "tsconfig.json")]
  const bun = async (...args: ReadonlyArray<string>) => {
    const env = { ...process.env, MILL_HOME: join(world.dir, "home") }
    const child = Bun.spawn([process.execPath, ...args], {
      cwd: world.dir,
      env,
      stdout: "pipe",
      stderr: "pipe",
    })
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()])
    return { stdout, stderr, code: await child.exited }
  }

  test(
    "runs as written",
    async () => {
      const { code, stderr, stdout } = await bun(...inRepository, "library/script.ts")
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
      const lines = stdout.trim().split("\n")
      expect(lines[0]).toBe("run:start")
      expect(lines.at(-2)).toBe("run:complete")
      expect(lines.at(-1)).toStartWith("This is judge, rehearsing offline")
      world.write(
        "library/loudly.ts",
        `import { Layer, ManagedRuntime } from "effect"
import { loudly } from "./effect.ts"
console.log((await ManagedRuntime.make(Layer.empty).runPromise(loudly)).result?.programResult)`,
      )
      const shouted = await bun(...inRepository, "library/loudly.ts")
      expect(shouted.stdout).toStartWith("WHO IS RIGHT?\n\nRUST-FAN: WHY SHOULD ONE LEARN RUST?")
    },
    timeout,
  )

  test("names every method", async () => {
    const mill = createMill()
    const named = tableOf("Method").map(([cell]) => code(cell).replace(/\(.*/, ""))
    expect(named.toSorted()).toEqual(Object.keys(mill).toSorted())
    await mill.close()
  })

  test(
    "has tests that pass",
    async () => {
      const { code, stderr } = await bun("test", ...inRepository, "./testing/hello.test.ts")
      expect(stderr).toContain("2 pass")
      expect(code).toBe(0)
    },
    timeout,
  )

  test("names every field of an agent's answer", () => {
    const section = readme.slice(readme.indexOf("## Testing programs"))
    for (const key of Object.keys(ScriptedResult.fields))
      expect(section).toMatch(new RegExp("`" + key + "[`(]"))
  })
})

describe("the README's folder of a run", () => {
  test(
    "holds what it says",
    async () => {
      const tree = blocks.find(({ text }) => text.startsWith("~/.mill/runs/"))?.text ?? ""
      const names = [...tree.matchAll(/^ {2}(\S+?)\/? /gm)].map(([, name = ""]) => name)
      expect(names.length).toBeGreaterThan(6)
      const { record } = await world.run("hello.ts", ["--driver", "offline"])
      for (const name of names) expect(statSync(join(record.paths.runDir, name)).mode & 0o077, name).toBe(0)
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
