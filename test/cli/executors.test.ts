/** Executors in a configuration, and those that cannot be used: said before anything has started. */
import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { listEntries, makeWorld, writeScript } from "../support/mill.ts"

const world = makeWorld()
const program = world.write("program.ts", "export default 1")
// Refuses as bubblewrap does where user namespaces are switched off.
writeScript(world, "forbidden/bwrap", `echo 'bwrap: No permissions to create new namespace' >&2; exit 1`)
writeScript(world, "old/bwrap", `echo 'bwrap: Unknown option --disable-userns' >&2; exit 1`)
writeScript(world, "fine/bwrap", `exit 0`)

const use = async (executor: string, path?: string) => {
  const folder = `projects/${Bun.hash(executor + String(path))}`
  const config = world.write(
    `${folder}/mill.config.ts`,
    `import { defineConfig, directExecutor, vmExecutor } from "@mill/core"
export default defineConfig({ defaultDriver: "offline", executors: { vm: ${executor} } as any })`,
  )
  const { code, stdout } = await world.mill(["run", program, "--dry-run", "--json", "--executor", "vm"], {
    cwd: join(world.dir, folder),
    env: { PATH: path === undefined ? `${join(world.dir, "fine")}:/usr/bin:/bin` : path },
  })
  expect(listEntries(world.runsDir)).toEqual([])
  return { code, config, answer: JSON.parse(stdout) }
}
const here = (name: string) => join(world.dir, name)

type Case = {
  readonly executor: string
  readonly message: RegExp
  readonly hint?: RegExp
  readonly path?: string
}
const cases: Readonly<Record<string, Case>> = {
  "a key that is not known": {
    executor: `vmExecutor({ readible: ["x"] } as any)`,
    message: /unknown key executors\.vm\.readible$/,
    hint: /^did you mean readable\?$/,
  },
  "a key that only another executor knows": {
    executor: `{ ...directExecutor(), memory: 3 }`,
    message: /unknown key executors\.vm\.memory$/,
    hint: /^allowed here: type$/,
  },
  "a runtime that is not known": {
    executor: `vmExecutor({ runtime: "gvisor" as any })`,
    message: /executors\.vm\.runtime is "gvisor"; expected .*"bubblewrap".*"docker".*"podman"/,
  },
  "an image that would be a flag": {
    executor: `vmExecutor({ runtime: "docker", image: "--privileged" })`,
    message: /executors\.vm\.image is "--privileged"/,
  },
  "a variable that is none": {
    executor: `vmExecutor({ env: ["A=b"] })`,
    message: /executors\.vm\.env\.0 is "A=b"/,
  },
  "a memory limit that bubblewrap cannot hold": {
    executor: `vmExecutor({ memory: 512 })`,
    message: /executors\.vm\.memory: bubblewrap cannot limit memory$/,
    hint: /docker and podman can/,
  },
  "a process limit that bubblewrap cannot hold": {
    executor: `vmExecutor({ processes: 5 })`,
    message: /executors\.vm\.processes: bubblewrap cannot limit processes$/,
  },
  "no image for docker": {
    executor: `vmExecutor({ runtime: "docker" })`,
    message: /executors\.vm\.image: docker needs an image to start$/,
  },
  "an image for bubblewrap": {
    executor: `vmExecutor({ image: "debian" })`,
    message: /executors\.vm\.image: bubblewrap starts no images$/,
  },
  "bubblewrap that is not installed": {
    executor: `vmExecutor()`,
    path: here("nowhere"),
    message: /executor vm needs bubblewrap, and the command "bwrap" is not on PATH$/,
    hint: /package bubblewrap.*apt-get install bubblewrap/,
  },
  "docker that is not installed": {
    executor: `vmExecutor({ runtime: "docker", image: "debian" })`,
    path: here("nowhere"),
    message: /executor vm needs docker, and the command "docker" is not on PATH$/,
    hint: /apt-get install docker\.io/,
  },
  "podman that is not installed": {
    executor: `vmExecutor({ runtime: "podman", image: "debian" })`,
    path: here("nowhere"),
    message: /executor vm needs podman, and the command "podman" is not on PATH$/,
    hint: /apt-get install podman/,
  },
  "bubblewrap that is not permitted": {
    executor: `vmExecutor()`,
    path: here("forbidden"),
    message:
      /executor vm: bubblewrap cannot make a sandbox here: bwrap: No permissions to create new namespace$/,
    hint: /unprivileged user namespaces are probably switched off/,
  },
  "bubblewrap that is too old": {
    executor: `vmExecutor()`,
    path: here("old"),
    message: /Unknown option --disable-userns$/,
    hint: /^bubblewrap 0\.8 or later is needed$/,
  },
  "bubblewrap that fails without a word": {
    executor: `vmExecutor({ command: "/bin/false" })`,
    message: /cannot make a sandbox here: \/bin\/false failed without an error message \(exit code 1\)$/,
  },
  "something readable that is not there": {
    executor: `vmExecutor({ readable: ["missing"] })`,
    message: /executor vm: readable: .*\/missing is not there$/,
  },
  "everything readable": {
    executor: `vmExecutor({ readable: ["/"] })`,
    message: /executor vm: \/ cannot be readable as a whole$/,
  },
}

describe("an executor is refused with", () => {
  test.concurrent.each(Object.entries(cases))("%s", async (_, { executor, hint, message, path }) => {
    const { answer, code, config } = await use(executor, path)
    expect(answer.error).toMatchObject({
      _tag: "ConfigError",
      message: expect.stringMatching(message),
      ...(hint === undefined ? {} : { hint: expect.stringMatching(hint) }),
    })
    if (/executors\./.test(message.source)) expect(answer.error.path).toBe(config)
    expect(code).toBe(2)
  })
})

test("a plan says all of an executor but values", async () => {
  world.write("data/a.txt", "a")
  const { answer } = await use(
    `vmExecutor({ runtime: "docker", command: "../../fine/bwrap", image: "debian", env: ["B", "A"], setEnv: { C: "value" }, readable: ["../../data"], memory: 64, processes: 8 })`,
  )
  expect(answer.executor).toEqual({
    name: "vm",
    type: "vm",
    runtime: "docker",
    command: here("fine/bwrap"),
    image: "debian",
    env: ["A", "B"],
    setEnv: ["C"],
    readable: [here("data")],
    memory: 64,
    processes: 8,
  })
})

test("an executor that is not there is named with those that are", async () => {
  const { code, stdout } = await world.mill([
    "run",
    program,
    "--json",
    "--executor",
    "vn",
    "--driver",
    "offline",
  ])
  expect(JSON.parse(stdout).error).toMatchObject({
    message: 'there is no executor "vn"; there are direct, vm',
    hint: "did you mean vm?",
  })
  expect(code).toBe(2)
})
