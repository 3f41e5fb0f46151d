/** Programs that return their result with a top-level `return`. test/internal has the tests of their transformed text. */
import { describe, expect, test } from "bun:test"
import { listEntries, makeWorld } from "../support/mill.ts"
import { executors } from "../support/sandbox.ts"

const world = makeWorld()
const offline = ["--driver", "offline"]
world.write("lib/data.json", `{ "answer": 42 }`)
world.write("lib/helper.ts", `export const helper = "helps"\nexport type Kind = string\n`)
const spawn = `mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })`

const returning: Readonly<Record<string, readonly [source: string, result: unknown]>> = {
  "with imports, exports, await and an early return": [
    `#!/usr/bin/env bun
import { helper, type Kind } from "./lib/helper.ts"
import data from "./lib/data.json" with { type: "json" }
export const kind: Kind = await Promise.resolve(helper)
try { if (mill.args[0] === "early") return { kind, answer: data.answer, main: import.meta.main, dir: import.meta.dir } } finally { mill.log("ended") }
return "late"`,
    { kind: "helps", answer: 42, main: true, dir: world.dir },
  ],
  "of a spawn": [`return ${spawn}.then(({ driver }) => driver)`, "offline"],
  "of nothing": [`if (mill.args.length === 1) return\nthrow new Error("not reached")`, undefined],
}

const places: Readonly<Record<string, readonly [source: string, place: string]>> = {
  "on the first line": [`import { helper } from "./lib/helper.ts"; throw new Error("here" + helper)`, "1:53"],
  "behind an import": [
    `import { helper } from "./lib/helper.ts"\nawait 0\n  throw new Error("here" + helper)`,
    "3:13",
  ],
}

describe.each(executors)("with the executor %s", (executor) => {
  const offline = ["--driver", "offline", "--executor", executor]

  test.concurrent.each(Object.entries(returning))(
    "a program may have a top-level return %s",
    async (name, [source, expected]) => {
      const file = `${name.replace(/\W+/g, "-")}.ts`
      world.write(file, source)
      const { code, events, result } = await world.run(file, [...offline, "--", "early"])
      expect({ error: result.errorMessage, value: result.programResult as unknown }).toEqual({
        error: undefined,
        value: expected,
      })
      expect(events.at(-1)?.type).toBe("run:complete")
      expect(code).toBe(0)
    },
  )

  test.concurrent.each(Object.entries(places))(
    "an error in a program with a top-level return has the right location: %s",
    async (name, [source, place]) => {
      const program = world.write(`${name.replace(/\W+/g, "-")}.ts`, `${source}\nreturn 1`)
      const { code, result } = await world.run(program, offline)
      expect(result).toMatchObject({ errorMessage: "Error: herehelps", errorLocation: `${program}:${place}` })
      expect(code).toBe(1)
    },
  )
})

test("a program that has both a default export and a top-level return is refused", async () => {
  const program = world.write("both.ts", `const a = 1\nif (a > 1) return a\nexport default a\n`)
  const { code, stderr, stdout } = await world.mill(["run", "both.ts", "--json", ...offline])
  const { error } = JSON.parse(stdout)
  expect(error.message).toMatch(/default export or .*top-level return, not .*both/)
  expect([error._tag, error.location]).toEqual(["ProgramError", `${program}:3:1`])
  expect(stderr).toContain(`${program}:3:1`)
  expect(code).toBe(2)
  expect(listEntries(world.runsDir).filter((name) => name.startsWith("."))).toEqual([])
})
