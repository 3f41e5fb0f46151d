/** Each test adds violations to a small clean tree and expects scripts/check-structure.ts to report exactly those. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

setDefaultTimeout(120_000)

const project = join(import.meta.dirname, "../..")
const trees: Array<string> = []
afterAll(() => trees.forEach((tree) => rmSync(tree, { recursive: true, force: true })))

const check = (root: string) => {
  const script = join(project, "scripts/check-structure.ts")
  const { stdout, stderr, exitCode } = Bun.spawnSync([process.execPath, script, root])
  return { stdout: stdout.toString(), problems: stderr.toString().split("\n").slice(0, -1), exitCode }
}

/** A tree in which each floor imports everything that it may. */
const clean = {
  "src/bin/mill.ts": `import { main } from "../cli/main.command.ts"
    import "../runtime/bun/startup.ts"
    export const start = () => import("../runtime/worker.effect.ts")`,
  "src/cli/main.command.ts": `import { Command } from "effect/cli"
    import manifest from "../../package.json"
    import type { Run } from "../domain/run.schema.ts"
    import { run } from "../public/mill.api.ts"
    export const main = Command.make("mill")
    export const watch = () => import("../runtime/worker.effect.ts")`,
  "src/public/mill.api.ts": `import { worker } from "../runtime/worker.effect.ts"
    export { pi } from "../codecs/pi.codec.ts"
    export type { Run } from "../domain/run.schema.ts"
    export const run = worker`,
  "src/runtime/worker.effect.ts": `import { Effect } from "effect"
    import { Store } from "../internal/store/store.effect.ts"
    export const worker = Effect.succeed(Store)`,
  "src/runtime/program-host.ts": `import { createConnection } from "node:net"
    import { plugin } from "bun"
    import { jsonProblem } from "../domain/json-problem.ts"
    import { call } from "./host/rpc.ts"
    import { startup } from "./bun/startup.ts"
    import type { Run } from "../domain/run.schema.ts"`,
  "src/runtime/host/rpc.ts": `import type { Run } from "../../domain/run.schema.ts"
    export const call = 1`,
  "src/runtime/bun/startup.ts": `import type { Rpc } from "../host/rpc.ts"
    export const startup = 1`,
  "src/internal/store/store.effect.ts": `import { Effect } from "effect"
    import { lines } from "../files/lines.ts"
    export const Store = Effect.succeed(lines)`,
  "src/internal/files/lines.ts": `import type { Effect } from "effect"
    import { Predicate } from "effect"
    import { pi } from "../../codecs/pi.codec.ts"
    export const lines = 1`,
  "src/codecs/pi.codec.ts": `import { Run } from "../domain/run.schema.ts"
    export const pi = 1`,
  "src/domain/run.schema.ts": `import { Schema } from "effect"
    export const Run = Schema.Struct({})
    export type Run = typeof Run.Type`,
  "src/domain/json-problem.ts": "export const jsonProblem = 1",
}

const plantTree = (files: Record<string, string>) => {
  const tree = mkdtempSync(join(tmpdir(), "mill-structure-test-"))
  trees.push(tree)
  for (const [file, text] of Object.entries({ ...clean, ...files })) {
    mkdirSync(dirname(join(tree, file)), { recursive: true })
    writeFileSync(join(tree, file), text)
  }
  return tree
}

const expectProblems = (files: Record<string, string>, problems: ReadonlyArray<string>) =>
  expect(check(plantTree(files))).toEqual({ stdout: "", problems: [...problems], exitCode: 1 })

test("the project's sources pass", () => {
  const { stdout, problems, exitCode } = check(project)
  expect(problems).toEqual([])
  expect(stdout).toMatch(/^\d+ files are where they belong\n$/)
  expect(exitCode).toBe(0)
})

test("a tree that follows every rule passes", () => {
  const count = Object.keys(clean).length
  expect(check(plantTree({}))).toEqual({
    stdout: `${count} files are where they belong\n`,
    problems: [],
    exitCode: 0,
  })
})

const forbidden: ReadonlyArray<[file: string, text: string, from: string, how: string]> = [
  ["src/domain/a.ts", `import "../codecs/pi.codec.ts"`, "src/domain/*", "import src/codecs/pi.codec.ts"],
  ["src/domain/b.ts", `import type { Mill } from "@mill/core"`, "src/domain/*", "import @mill/core"],
  [
    "src/codecs/a.codec.ts",
    `export * from "../internal/files/lines.ts"`,
    "src/codecs/*",
    "import src/internal/files/lines.ts",
  ],
  [
    "src/internal/store/a.ts",
    `type A = import("../../public/types.ts").A`,
    "src/internal/**",
    "import src/public/types.ts",
  ],
  [
    "src/internal/store/b.ts",
    `const load = () => import("../../runtime/a.effect.ts")`,
    "src/internal/**",
    "load src/runtime/a.effect.ts",
  ],
  ["src/runtime/bun/a.ts", `import { Effect } from "effect"`, "src/runtime/bun/*", "import effect"],
  [
    "src/runtime/bun/b.ts",
    `import { call } from "../host/rpc.ts"`,
    "src/runtime/bun/*",
    "import src/runtime/host/rpc.ts",
  ],
  [
    "src/runtime/host/a.ts",
    `import type { Effect } from "effect"`,
    "src/runtime/{program-host*.ts,host/*}",
    "import effect",
  ],
  [
    "src/runtime/host/b.ts",
    `import { Run } from "../../domain/run.schema.ts"`,
    "src/runtime/{program-host*.ts,host/*}",
    "import src/domain/run.schema.ts",
  ],
  [
    "src/runtime/platform/a.ts",
    `import { run } from "../../public/mill.api.ts"`,
    "src/runtime/**",
    "import src/public/mill.api.ts",
  ],
  [
    "src/public/a.api.ts",
    `import engine = require("../internal/engine/engine.effect.ts")`,
    "src/public/*",
    "import src/internal/engine/engine.effect.ts",
  ],
  [
    "src/public/b.api.ts",
    `import "./../../src/cli/main.command.ts"`,
    "src/public/*",
    "import src/cli/main.command.ts",
  ],
  [
    "src/cli/a.ts",
    `import type { Worker } from "../runtime/worker.effect.ts"`,
    "src/cli/*",
    "import src/runtime/worker.effect.ts",
  ],
  [
    "src/cli/b.ts",
    `const load = () => import("../codecs/pi.codec.ts")`,
    "src/cli/*",
    "load src/codecs/pi.codec.ts",
  ],
  ["src/bin/a.ts", `import "../../test/support/mill.ts"`, "src/bin/*", "import test/support/mill.ts"],
]
test.each(forbidden)("%s must not contain %s", (file, text, from, how) => {
  expectProblems({ [file]: text }, [`${file}:1: ${from} must not ${how}`])
})

test("two folders that import each other are reported, even if one import is type-only", () => {
  expectProblems({ "src/internal/files/a.ts": `import type { Store } from "../store/store.effect.ts"` }, [
    "src/internal: files and store import each other (src/internal/files/a.ts:1, src/internal/store/store.effect.ts:2)",
  ])
})

test("a misplaced file is reported", () => {
  const misplaced = [
    "src/internal/a.ts",
    "src/internal/store/a.js",
    "src/internal/store/deep/a.ts",
    "src/public/a.ts",
    "src/runtime/a.ts",
    "src/text/a.ts",
  ]
  expectProblems(
    Object.fromEntries(misplaced.map((file) => [file, ""])),
    misplaced.map(
      (file) =>
        `${file}: source files are not allowed here; see the list of places in scripts/check-structure.ts`,
    ),
  )
})

test("a file of more than 10,000 bytes is reported", () => {
  expectProblems({ "src/cli/long.ts": `// ${"é".repeat(5_000)}` }, [
    "src/cli/long.ts: 10003 bytes exceed the limit of 10000; split the file",
  ])
})

test("a suffix that does not match the file's content is reported", () => {
  expectProblems(
    {
      "src/cli/a.command.ts": "",
      "src/domain/a.schema.ts": `import { Predicate } from "effect"`,
      "src/internal/files/a.effect.ts": `import { effect } from "./effect.ts"`,
      "src/internal/files/b.ts": `import { Effect, Predicate } from "effect"`,
    },
    [
      "src/cli/a.command.ts: defines no command; remove the suffix .command",
      "src/domain/a.schema.ts: declares no Schema; remove the suffix .schema",
      "src/internal/files/a.effect.ts: imports nothing from effect; remove the suffix .effect",
      "src/internal/files/b.ts: uses Effect; add the suffix .effect",
    ],
  )
})

test("a name that two modules declare is reported; a re-export is not", () => {
  expectProblems(
    {
      "src/domain/a.ts": "export type Answer42 = string\nexport const { question } = it",
      "src/domain/b.ts": `export const Answer42 = 42\nexport function question() {}`,
      "src/domain/c.ts": `export { question, Answer42 } from "./b.ts"\nexport const layer = 1`,
      "src/domain/d.ts": "export const layer = 2",
    },
    [
      "Answer42: declared in src/domain/a.ts and src/domain/b.ts",
      "question: declared in src/domain/a.ts and src/domain/b.ts",
    ],
  )
})
