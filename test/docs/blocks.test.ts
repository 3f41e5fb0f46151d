/** The code blocks of the pages: they type-check, run, and do what the pages say. */
import { describe, expect, test } from "bun:test"
import { mkdirSync, readFileSync, symlinkSync } from "node:fs"
import { dirname, join } from "node:path"
import { waitFor, makeWorld, millCommand, repository, writeScript } from "../support/mill.ts"
import { startModelServer } from "../support/model-server.ts"
import { isWithoutSandbox } from "../support/sandbox.ts"
import { docs, findPage, guides, hasCommands, type Page, readme } from "./pages.ts"

const world = makeWorld()
const timeout = 120_000

/** Each page has a folder with its files, and the README's program beside them. */
const folderOf = ({ name }: Page) => join(world.dir, name)

const filesOf = (page: Page) =>
  page.blocks.flatMap(({ file, text }) => (file === undefined ? [] : [{ file, text }]))

for (const page of guides) {
  for (const { file, text } of [...filesOf(readme), ...filesOf(page)]) {
    world.write(`${page.name}/${file}`, text, file.endsWith(".sh") ? 0o755 : 0o644)
  }
}

const quote = (words: ReadonlyArray<string>) => words.map((word) => `'${word}'`).join(" ")

// Agents that the pages name. claude is looked for, and not asked.
const acpAgent = join(repository, "test/support/acp-agent.main.ts")
writeScript(world, "bin/claude", "exit 1")
writeScript(world, "bin/gemini", `exec ${quote([process.execPath, acpAgent])} "$@" models:grey`)
writeScript(world, "bin/mill", `exec ${quote(millCommand)} "$@"`)

// A project that has @mill/core and effect: what the package exports is not built here.
const inRepository = ["--tsconfig-override", join(repository, "tsconfig.json")]
writeScript(
  world,
  "bin/bun",
  `case $1 in
  test) shift; exec ${quote([process.execPath, "test", "--timeout=60000", ...inRepository])} "$@" ;;
  *) exec ${quote([process.execPath, ...inRepository])} "$@" ;;
esac`,
)
mkdirSync(join(world.dir, "library/node_modules"), { recursive: true })
symlinkSync(join(repository, "node_modules/effect"), join(world.dir, "library/node_modules/effect"))

// `~/.mill` is the world's home.
mkdirSync(join(world.dir, "user"), { recursive: true })
mkdirSync(join(world.dir, "home"), { recursive: true })
symlinkSync(join(world.dir, "home"), join(world.dir, "user/.mill"))

const env = { PATH: `${world.dir}/bin:${process.env["PATH"]}` }

/** Runs commands as a user types them, in the folder of a page. */
const runShell = async (page: Page, commands: string) => {
  const { MILL_RUN_ID: _, ...inherited } = process.env
  const child = Bun.spawn(["bash", "-euo", "pipefail", "-c", commands], {
    cwd: folderOf(page),
    env: {
      ...inherited,
      ...env,
      HOME: join(world.dir, "user"),
      MILL_HOME: join(world.dir, "home"),
      NO_COLOR: "1",
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  })
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()])
  return { stdout, stderr, code: await child.exited }
}

/** Commands that build or install something: the tests of what is shipped run those. */
const isSetup = (line: string) => /^(?:npm|bun link|alias|\.\/dist)\b/.test(line)

/** The commands of a page, block by block. */
const commandsOf = (page: Page): ReadonlyArray<string> =>
  page.blocks.flatMap((block) => {
    const lines = hasCommands(block) ? block.text.split("\n").filter((line) => line !== "") : []
    return lines.length === 0 || lines.some(isSetup) ? [] : [lines.join("\n")]
  })

/** Without what differs from run to run and from machine to machine. */
const normalize = (text: string): string =>
  text
    .replaceAll(/run_\w{26}/g, "RUN")
    .replaceAll(/\S*\/(hello\.ts|\.mill\/runs\/|home\/runs\/)/g, (_, end) =>
      end === "hello.ts" ? end : "RUNS/",
    )
    .replaceAll(/\d+(?:\.\d+)? m?s\b/g, "TIME")
    .replaceAll(/ +/g, " ")
    .trim()

/** What the commands of a page print must hold, beyond their success. */
const outputs: Readonly<Record<string, (stdout: string) => void>> = {
  readme: (stdout) => {
    const shown =
      readme.blocks.find(({ language, text }) => language === "text" && text.startsWith("✓"))?.text ?? ""
    const lines = (text: string) =>
      normalize(text)
        .split("\n")
        .filter((line) => !/^ ✓ #\d/.test(line))
    expect(lines(stdout)).toEqual(lines(shown))
    // How much of an answer is shown depends on how long the agents took.
    const spawns = (text: string) => [...normalize(text).matchAll(/^ ✓ #\d .{40}/gm)].map(([line]) => line)
    expect(spawns(stdout)).toEqual(spawns(shown))
    expect(spawns(shown)).toHaveLength(3)
  },
  acp: (stdout) => expect(stdout).toContain("What is this project?"),
  codecs: (stdout) => expect(stdout).toContain("WHO IS RIGHT?"),
  drivers: (stdout) => expect(stdout).toContain(`${world.dir}/bin/claude`),
  extensions: (stdout) => expect(stdout).toContain("judge has answered"),
  "http-apis": (stdout) => expect(stdout).toContain("ECHO: Who is right?"),
  "jsonl-protocol": (stdout) => expect(stdout).toMatch(/The request has \d+ characters/),
  library: (stdout) => expect(stdout).toMatch(/^run:start\n[^]*run:complete\nThis is judge, rehearsing/),
  "offline-agent": (stdout) => expect(stdout).toMatch(/"fast": ?"fulfilled"[^]*"broken": ?"rejected"/),
  programs: (stdout) => expect(stdout).toContain("version 2.0"),
}

describe("commands run as written", () => {
  for (const page of guides.filter((candidate) => commandsOf(candidate).length > 0)) {
    test.skipIf(page.name === "sandbox" && isWithoutSandbox)(
      page.path,
      async () => {
        await using server = await startModelServer()
        for (const { file, text } of filesOf(page)) {
          if (text.includes("http://localhost:11434"))
            world.write(`${page.name}/${file}`, text.replace("http://localhost:11434", server.url))
        }
        let printed = ""
        for (const commands of commandsOf(page)) {
          const { code, stderr, stdout } = await runShell(page, commands)
          expect({ commands, code, stderr: code === 0 ? "" : stderr }).toEqual({
            commands,
            code: 0,
            stderr: "",
          })
          printed += stdout
        }
        outputs[page.name]?.(printed)
      },
      timeout,
    )
  }

  test("on every page, and first of all", () => {
    for (const { blocks, path } of docs) {
      const first = blocks.find(hasCommands)
      expect(first, path).toBeDefined()
      expect(first?.text.split("\n").some(isSetup), path).toBe(false)
    }
  })
})

const project = makeWorld()

test(
  "programs, configurations and tests type-check in a project that has linked @mill/core",
  async () => {
    const files = guides.flatMap((page) =>
      filesOf(page).flatMap(({ file, text }) => {
        if (!file.endsWith(".ts")) return []
        // A script without imports is a module of its own here, beside the others.
        const source = /^(?:import|export) /m.test(text) ? text : `${text}\nexport {}\n`
        project.write(`${page.name}/${file}`, source)
        return [`${page.name}/${file}`]
      }),
    )
    expect(files).toContain("readme/hello.ts")
    mkdirSync(join(project.dir, "node_modules/@mill"), { recursive: true })
    symlinkSync(repository, join(project.dir, "node_modules/@mill/core"))
    symlinkSync(join(repository, "node_modules/effect"), join(project.dir, "node_modules/effect"))
    project.write(
      "tsconfig.json",
      JSON.stringify({
        extends: join(repository, "tsconfig.json"),
        compilerOptions: { typeRoots: [join(repository, "node_modules/@types")] },
        include: files,
        exclude: [],
      }),
    )
    const checked = Bun.spawn([join(repository, "node_modules/.bin/tsgo"), "--noEmit", "-p", project.dir], {
      stdout: "pipe",
    })
    expect(await checked.stdout.text()).toBe("")
    expect(await checked.exited).toBe(0)
  },
  timeout,
)

/** What the default driver of each configuration answers to "Why?" with the system prompt "Be.". */
const answers: Readonly<Record<string, unknown>> = {
  acp: { text: "You said: Be.\n\nWhy?", sessionRef: "acp-1" },
  codecs: { text: "WHY?" },
  "codecs/parrot": { text: "Why?", sessionRef: expect.stringMatching(/^\d+$/) },
  "configuration/team": undefined,
  drivers: undefined,
  extensions: { text: expect.stringContaining("Why?") },
  "http-apis": { text: "ECHO: Why?" },
  "jsonl-protocol": { text: "The request has 80 characters." },
}

describe("configurations", () => {
  const folders = docs.flatMap((page) =>
    filesOf(page).flatMap(({ file }) =>
      file.endsWith("mill.config.ts") ? [join(page.name, dirname(file))] : [],
    ),
  )
  test("are all tried", () => {
    expect([...new Set(folders)].toSorted()).toEqual(Object.keys(answers))
  })
  for (const folder of folders) {
    test(
      `${folder} works`,
      async () => {
        await using server = await startModelServer()
        const file = join(folder, "mill.config.ts")
        const config = readFileSync(join(world.dir, file), "utf8")
        world.write(file, config.replace(/url: "http:\/\/[\w.:]+"/, `url: "${server.url}"`))
        const program = world.write(
          `${folder}/ask.ts`,
          `export default await mill.spawn({ agent: "a", systemPrompt: "Be.", prompt: "Why?", model: "grey" })`,
        )
        const options = { cwd: join(world.dir, folder), env }
        if (answers[folder] === undefined) {
          const { code, stderr } = await world.mill(["run", program, "--dry-run", "--json"], options)
          expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
          return
        }
        const { result } = await world.run(program, [], options)
        expect(result.programResult).toMatchObject(Object(answers[folder]))
      },
      timeout,
    )
  }

  test(
    "have an extension that writes its diary to the end",
    async () => {
      const spawn = `await mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })`
      // A folder of its own, where no other run writes.
      world.write("diary/mill.config.ts", filesOf(findPage("extensions"))[0]?.text ?? "")
      const program = world.write("diary/note.ts", `await mill.diary.note("so far so good")\n${spawn}`)
      const cwd = join(world.dir, "diary")
      const { record } = await world.run(program, [], { cwd })
      const readDiary = () => readFileSync(join(cwd, "diary.txt"), "utf8").trimEnd().split("\n")
      await waitFor("the run is over", () => readDiary().length === 3)
      expect(readDiary()).toEqual(["so far so good", "a has answered", `${record.id} is over`])
    },
    timeout,
  )
})

describe("the library page", () => {
  test(
    "has an Effect that runs",
    async () => {
      world.write(
        "library/loudly.ts",
        `import { Layer, ManagedRuntime } from "effect"
import { loudly } from "./effect.ts"
console.log((await ManagedRuntime.make(Layer.empty).runPromise(loudly)).result?.programResult)`,
      )
      const { stdout } = await runShell(findPage("library"), "bun loudly.ts")
      expect(stdout).toStartWith("WHO IS RIGHT?\n\nRUST-FAN: WHY SHOULD ONE LEARN RUST?")
    },
    timeout,
  )
})

describe("the testing page", () => {
  test(
    "has two tests, and both pass",
    async () => {
      const { stderr } = await runShell(findPage("testing"), "bun test hello.test.ts")
      expect(stderr).toContain("2 pass")
    },
    timeout,
  )
})
