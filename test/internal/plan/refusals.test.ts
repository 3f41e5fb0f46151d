/** Errors have the program's own lines and columns, also if it was wrapped for a top-level return. */
import { afterAll, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer, ManagedRuntime } from "effect"
import { SourceCompiler } from "../../../src/internal/sources/source-compiler.effect.ts"
import { layer as compilerLayer } from "../../../src/runtime/platform/source-compiler.effect.ts"
import { layer as platformLayer } from "../../../src/runtime/platform/platform.effect.ts"

const folder = mkdtempSync(join(tmpdir(), "mill-test-"))
const runtime = ManagedRuntime.make(Layer.provide(compilerLayer, platformLayer))
afterAll(async () => {
  await runtime.dispose()
  rmSync(folder, { recursive: true, force: true })
})

const cases: Readonly<Record<string, readonly [source: string, place: string, message: RegExp]>> = {
  "a syntax error": ["const a = 1\nconst b = f({\nexport default a\n", "3:8", /default/],
  "a syntax error on the first line": ["const = 1", "1:7", /=/],
  "a syntax error before a top-level return": ["const a = 1\nconst const\nreturn a\n", "2:7", /const/],
  "a syntax error behind a top-level return": ["return 1; const const\n", "1:17", /const/],
  "a syntax error among top-level returns": [
    "if (a) return 1\nif (b) return 2\nconst const\n",
    "3:7",
    /const/,
  ],
  "a name that is declared twice, beside a return": ["const x = 1; const x = 2; return x", "1:20", /x/],
  "a re-export that does not resolve": [`\nexport { x } from "no-such-package"\n`, "2:19", /no-such-package/],
  "an import that does not resolve, beside a return": [
    `const a = 1\nimport { x } from "./nowhere.ts"\nreturn x\n`,
    "2:19",
    /\.\/nowhere\.ts/,
  ],
  "a package that is not installed, beside a return": [
    `#!/usr/bin/env bun\n  import x from 'no-such-package'\nreturn x\n`,
    "2:17",
    /no-such-package/,
  ],
}

test.each(Object.entries(cases))("%s", async (name, [source, place, message]) => {
  const file = join(folder, `${name.replace(/\W+/g, "-")}.ts`)
  writeFileSync(file, source)
  const graph = Effect.flatMap(SourceCompiler, (compiler) =>
    compiler.graph(file, { provided: [], asProgram: true }),
  )
  const error = await runtime.runPromise(Effect.flip(graph))
  expect(error.message).toMatch(message)
  expect({ tag: error._tag, location: error.location, path: error.path }).toEqual({
    tag: "ProgramError",
    location: `${file}:${place}`,
    path: file,
  })
})
