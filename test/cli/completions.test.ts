/** Runs the scripts of `mill --completions` in their shells. */
import { describe, expect, test } from "bun:test"
import { makeWorld } from "../support/mill.ts"
import { isMissing } from "../support/requirements.ts"

const world = makeWorld()
world.write("plan.ts", "export default 1")

/** Makes the command that prints the completions of a command line, by shell. */
const shells: Readonly<Record<string, (line: string) => ReadonlyArray<string>>> = {
  bash: (line) => [
    "bash",
    "-c",
    `source script.bash; COMP_LINE=$1; COMP_POINT=\${#1}; IFS=" " read -ra COMP_WORDS <<< "$1"
[[ $1 == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
_mill mill "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "\${COMPREPLY[@]}"`,
    "bash",
    line,
  ],
  fish: (line) => [
    "fish",
    "--no-config",
    "-c",
    'source script.fish; complete -C "$argv[1]" | string replace -r "\\t.*" ""',
    line,
  ],
}

const cannotRun: Readonly<Record<string, boolean>> = {
  zsh: isMissing("zsh", Bun.which("zsh") !== null),
  fish: isMissing("fish", Bun.which("fish") !== null),
}

for (const [shell, ask] of Object.entries(shells)) {
  describe.skipIf(cannotRun[shell] === true)(`in ${shell}`, () => {
    const complete = async (line: string) => {
      const { stdout } = await world.mill(["--completions", shell])
      world.write(`script.${shell}`, stdout)
      const env = { ...process.env, HOME: world.dir }
      const asked = Bun.spawn([...ask(line)], { cwd: world.dir, env, stdout: "pipe", stderr: "pipe" })
      const [out, err] = await Promise.all([
        new Response(asked.stdout).text(),
        new Response(asked.stderr).text(),
      ])
      expect(err).toBe("")
      return out.split("\n").filter((word) => word !== "")
    }

    test("commands are completed, private ones are not", async () => {
      const { commands } = JSON.parse((await world.mill(["--json"])).stdout)
      const words = (await complete("mill ")).filter((word) => !word.startsWith("-"))
      expect(words.toSorted()).toEqual(Object.keys(commands).toSorted())
      expect(await complete("mill sta")).toEqual(["status"])
      expect(await complete("mill --json sta")).toEqual(["status"])
      expect((await complete("mill _")).filter((word) => word.startsWith("_"))).toEqual([])
    })

    test("flags of the command and global flags are completed", async () => {
      expect((await complete("mill run --d")).toSorted()).toEqual(["--driver", "--dry-run"])
      expect(await complete("mill status --js")).toEqual(["--json"])
      expect(await complete("mill --runs")).toEqual(["--runs-dir"])
      expect(await complete("mill --no-j")).toEqual([])
      expect(await complete("mill init --no-")).toEqual(["--no-color"])
      expect((await complete("mill run --no-")).toSorted()).toEqual(["--no-color", "--no-confirm"])
    })

    test("known values and program files are completed", async () => {
      expect((await complete("mill watch --channel ")).toSorted()).toEqual(["all", "events", "io"])
      expect(await complete("mill run pl")).toEqual(["plan.ts"])
      expect((await complete("mill run --driver ")).toSorted()).toEqual(["claude", "codex", "offline", "pi"])
      expect((await complete("mill run --executor ")).toSorted()).toEqual(["direct", "vm"])
      for (const line of ["status ", "wait ", "cancel ", "watch --run "])
        expect((await complete(`mill ${line}`)).filter((word) => !word.startsWith("-"))).toEqual(["last"])
    })
  })
}

test("an unsupported shell is refused with the list of supported ones", async () => {
  const { code, stdout } = await world.mill(["--completions", "nope", "--json"])
  const { error } = JSON.parse(stdout)
  expect([code, error._tag]).toEqual([2, "UsageError"])
  expect(`${error.message} ${error.hint}`).toMatch(/bash.*zsh.*fish/)
  expect(`${error.message} ${error.hint}`).not.toMatch(/pwsh|powershell|\bsh\b/)
})

test.skipIf(cannotRun["zsh"] === true)("zsh can parse its script, which has the same words", async () => {
  const { stdout } = await world.mill(["--completions", "zsh"])
  const script = world.write("_mill", stdout)
  const read = Bun.spawn(["zsh", "-n", script], { stderr: "pipe" })
  expect([await new Response(read.stderr).text(), await read.exited]).toEqual(["", 0])
  for (const word of ["'run:", "'cancel:", "--dry-run", "--runs-dir", "(claude pi codex offline)", "(last)"])
    expect(stdout).toContain(word)
  expect(stdout).not.toMatch(/_worker|_settle/)
})
