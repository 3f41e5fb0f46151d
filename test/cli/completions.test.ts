/** The scripts of `mill --completions`, in the shells that they are for. */
import { describe, expect, test } from "bun:test"
import { makeWorld } from "../support/mill.ts"

const world = makeWorld()
world.write("plan.ts", "export default 1")

/** What a shell offers at the end of a command line, by how it is asked. */
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

for (const [shell, ask] of Object.entries(shells)) {
  describe.skipIf(Bun.which(shell) === null)(`in ${shell}`, () => {
    const offered = async (line: string) => {
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

    test("commands are offered, and private ones are not", async () => {
      const { commands } = JSON.parse((await world.mill(["--json"])).stdout)
      const words = (await offered("mill ")).filter((word) => !word.startsWith("-"))
      expect(words.toSorted()).toEqual(Object.keys(commands).toSorted())
      expect(await offered("mill sta")).toEqual(["status"])
      expect(await offered("mill --json sta")).toEqual(["status"])
      expect((await offered("mill _")).filter((word) => word.startsWith("_"))).toEqual([])
    })

    test("flags are offered, a command's own and those of all", async () => {
      expect((await offered("mill run --d")).toSorted()).toEqual(["--driver", "--dry-run"])
      expect(await offered("mill status --js")).toEqual(["--json"])
      expect(await offered("mill --runs")).toEqual(["--runs-dir"])
      expect(await offered("mill --no-j")).toEqual([])
      expect(await offered("mill init --no-")).toEqual(["--no-color"])
      expect((await offered("mill run --no-")).toSorted()).toEqual(["--no-color", "--no-confirm"])
    })

    test("values are offered where they are known, and programs are files", async () => {
      expect((await offered("mill watch --channel ")).toSorted()).toEqual(["all", "events", "io"])
      expect(await offered("mill run pl")).toEqual(["plan.ts"])
      expect((await offered("mill run --driver ")).toSorted()).toEqual(["claude", "codex", "offline", "pi"])
      expect((await offered("mill run --executor ")).toSorted()).toEqual(["direct", "vm"])
      for (const line of ["status ", "wait ", "cancel ", "watch --run "])
        expect((await offered(`mill ${line}`)).filter((word) => !word.startsWith("-"))).toEqual(["last"])
    })
  })
}

test("a shell that there is no script for is refused, with those that there are", async () => {
  const { code, stdout } = await world.mill(["--completions", "nope", "--json"])
  const { error } = JSON.parse(stdout)
  expect([code, error._tag]).toEqual([2, "UsageError"])
  expect(`${error.message} ${error.hint}`).toMatch(/bash.*zsh.*fish/)
  expect(`${error.message} ${error.hint}`).not.toMatch(/pwsh|powershell|\bsh\b/)
})

test.skipIf(Bun.which("zsh") === null)(
  "the script for zsh is one that zsh reads, with the same words",
  async () => {
    const { stdout } = await world.mill(["--completions", "zsh"])
    const script = world.write("_mill", stdout)
    const read = Bun.spawn(["zsh", "-n", script], { stderr: "pipe" })
    expect([await new Response(read.stderr).text(), await read.exited]).toEqual(["", 0])
    for (const word of [
      "'run:",
      "'cancel:",
      "--dry-run",
      "--runs-dir",
      "(claude pi codex offline)",
      "(last)",
    ])
      expect(stdout).toContain(word)
    expect(stdout).not.toMatch(/_worker|_settle/)
  },
)
