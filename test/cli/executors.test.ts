/** Executors in a configuration. An executor that cannot work is refused before the run starts. */
import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { listEntries, makeWorld, writeScript } from "../support/mill.ts"

const world = makeWorld()
const program = world.write("program.ts", "export default 1")
// Fails like bubblewrap without user namespaces.
writeScript(world, "forbidden/bwrap", `echo 'bwrap: No permissions to create new namespace' >&2; exit 1`)
writeScript(world, "old/bwrap", `echo 'bwrap: Unknown option --disable-userns' >&2; exit 1`)
writeScript(world, "fine/bwrap", `exit 0`)

const rehearse = async (executor: string, path?: string) => {
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
const resolvePath = (name: string) => join(world.dir, name)

type Case = {
  readonly executor: string
  readonly message: RegExp
  readonly hint?: RegExp
  readonly path?: string
}
const cases: Readonly<Record<string, Case>> = {
  "an unknown key": {
    executor: `vmExecutor({ readible: ["x"] } as any)`,
    message: /unknown key executors\.vm\.readible$/,
    hint: /^did you mean readable\?$/,
  },
  "a key of another executor": {
    executor: `{ ...directExecutor(), memory: 3 }`,
    message: /unknown key executors\.vm\.memory$/,
    hint: /^allowed keys: type$/,
  },
  "an unknown runtime": {
    executor: `vmExecutor({ runtime: "gvisor" as any })`,
    message: /executors\.vm\.runtime is "gvisor"; expected .*"bubblewrap".*"docker".*"podman"/,
  },
  "an image that looks like a flag": {
    executor: `vmExecutor({ runtime: "docker", image: "--privileged" })`,
    message: /executors\.vm\.image is "--privileged"/,
  },
  "an invalid variable name": {
    executor: `vmExecutor({ env: ["A=b"] })`,
    message: /executors\.vm\.env\.0 is "A=b"/,
  },
  "a memory limit for bubblewrap": {
    executor: `vmExecutor({ memory: 512 })`,
    message: /executors\.vm\.memory: bubblewrap cannot limit memory$/,
    hint: /^use docker or podman/,
  },
  "a process limit for bubblewrap": {
    executor: `vmExecutor({ processes: 5 })`,
    message: /executors\.vm\.processes: bubblewrap cannot limit processes$/,
  },
  "no image for docker": {
    executor: `vmExecutor({ runtime: "docker" })`,
    message: /executors\.vm\.image: docker requires an image$/,
  },
  "an image for bubblewrap": {
    executor: `vmExecutor({ image: "debian" })`,
    message: /executors\.vm\.image: bubblewrap does not use images$/,
  },
  "bubblewrap, which is not installed": {
    executor: `vmExecutor()`,
    path: resolvePath("nowhere"),
    message: /executor vm needs bubblewrap, but the command "bwrap" is not on PATH$/,
    hint: /bubblewrap package.*apt-get install bubblewrap/,
  },
  "docker, which is not installed": {
    executor: `vmExecutor({ runtime: "docker", image: "debian" })`,
    path: resolvePath("nowhere"),
    message: /executor vm needs docker, but the command "docker" is not on PATH$/,
    hint: /apt-get install docker\.io/,
  },
  "podman, which is not installed": {
    executor: `vmExecutor({ runtime: "podman", image: "debian" })`,
    path: resolvePath("nowhere"),
    message: /executor vm needs podman, but the command "podman" is not on PATH$/,
    hint: /apt-get install podman/,
  },
  "bubblewrap, which is not permitted": {
    executor: `vmExecutor()`,
    path: resolvePath("forbidden"),
    message:
      /executor vm: bubblewrap cannot create a sandbox on this machine: bwrap: No permissions to create new namespace$/,
    hint: /unprivileged user namespaces are probably disabled/,
  },
  "bubblewrap, which is too old": {
    executor: `vmExecutor()`,
    path: resolvePath("old"),
    message: /Unknown option --disable-userns$/,
    hint: /^mill requires bubblewrap 0\.8 or later$/,
  },
  "bubblewrap, which fails without a message": {
    executor: `vmExecutor({ command: "/bin/false" })`,
    message:
      /cannot create a sandbox on this machine: \/bin\/false failed without an error message \(exit code 1\)$/,
  },
  "a missing readable path": {
    executor: `vmExecutor({ readable: ["missing"] })`,
    message: /executor vm: readable: .*\/missing does not exist$/,
  },
  "the root folder as readable": {
    executor: `vmExecutor({ readable: ["/"] })`,
    message: /executor vm: readable: \/ is not allowed$/,
  },
}

describe("an executor is refused with", () => {
  test.concurrent.each(Object.entries(cases))("%s", async (_, { executor, hint, message, path }) => {
    const { answer, code, config } = await rehearse(executor, path)
    expect(answer.error).toMatchObject({
      _tag: "ConfigError",
      message: expect.stringMatching(message),
      ...(hint === undefined ? {} : { hint: expect.stringMatching(hint) }),
    })
    if (/executors\./.test(message.source)) expect(answer.error.path).toBe(config)
    expect(code).toBe(2)
  })
})

test("the plan contains the executor without the values of variables", async () => {
  world.write("data/a.txt", "a")
  const { answer } = await rehearse(
    `vmExecutor({ runtime: "docker", command: "../../fine/bwrap", image: "debian", env: ["B", "A"], setEnv: { C: "value" }, readable: ["../../data"], memory: 64, processes: 8 })`,
  )
  expect(answer.executor).toEqual({
    name: "vm",
    type: "vm",
    runtime: "docker",
    command: resolvePath("fine/bwrap"),
    image: "debian",
    env: ["A", "B"],
    setEnv: ["C"],
    readable: [resolvePath("data")],
    memory: 64,
    processes: 8,
  })
})

test("the error for an unknown executor lists the known ones", async () => {
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
    message: 'unknown executor "vn"; available: direct, vm',
    hint: "did you mean vm?",
  })
  expect(code).toBe(2)
})
