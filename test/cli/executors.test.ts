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
/** Writes a stand-in that fails like a container runtime. */
const writeFailing = (name: string, stderr: string): string =>
  writeScript(world, `failing/${name}`, `cat >&2 <<'END'\n${stderr}\nEND\nexit 125`)
const failing = {
  // The output of Docker 28 and podman 4.
  daemonless: writeFailing(
    "daemonless",
    `docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?

Run 'docker run --help' for more information`,
  ),
  denied: writeFailing(
    "denied",
    `docker: permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: dial unix /var/run/docker.sock: connect: permission denied

Run 'docker run --help' for more information`,
  ),
  unknown: writeFailing(
    "unknown",
    `Unable to find image 'debain:latest' locally
docker: Error response from daemon: pull access denied for debain, repository does not exist or may require 'docker login'

Run 'docker run --help' for more information`,
  ),
  offline: writeFailing(
    "offline",
    `Trying to pull docker.io/library/debian:latest...
Error: initializing source docker://debian:latest: pinging container registry registry-1.docker.io: dial tcp: lookup registry-1.docker.io: no such host`,
  ),
  unlimited: writeFailing(
    "unlimited",
    "Error: crun: setrlimit `RLIMIT_NOFILE`: Operation not permitted: OCI permission denied",
  ),
  alpine: writeFailing("alpine", "exec /run/mill/bun: no such file or directory"),
}

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
  "docker without a daemon": {
    executor: `vmExecutor({ runtime: "docker", image: "debian", command: ${JSON.stringify(failing.daemonless)} })`,
    message:
      /executor vm: docker cannot run a container on this machine: docker: Cannot connect to the Docker daemon at unix:\/\/\/var\/run\/docker\.sock\. Is the docker daemon running\?$/,
    hint: /^start the Docker daemon, for example with systemctl start docker/,
  },
  "docker, which the user may not use": {
    executor: `vmExecutor({ runtime: "docker", image: "debian", command: ${JSON.stringify(failing.denied)} })`,
    message: /docker cannot run a container on this machine: docker: permission denied .*$/,
    hint: /usermod -aG docker <user>/,
  },
  "an image that docker cannot find": {
    executor: `vmExecutor({ runtime: "docker", image: "debain", command: ${JSON.stringify(failing.unknown)} })`,
    message: /docker: Error response from daemon: pull access denied for debain, .*'docker login'$/,
    hint: /^check the name of the image, or pull it with \S+ pull debain$/,
  },
  "an image that podman cannot download": {
    executor: `vmExecutor({ runtime: "podman", image: "debian", command: ${JSON.stringify(failing.offline)} })`,
    message: /podman cannot run a container on this machine: Error: initializing source .*no such host$/,
    hint: /^check the name of the image, or pull it with \S+ pull debian$/,
  },
  "an image without glibc": {
    executor: `vmExecutor({ runtime: "podman", image: "alpine", command: ${JSON.stringify(failing.alpine)} })`,
    message: /exec \/run\/mill\/bun: no such file or directory$/,
    hint: /^alpine probably cannot run mill's Bun: the image must contain glibc/,
  },
  "podman, whose runtime fails": {
    executor: `vmExecutor({ runtime: "podman", image: "debian", command: ${JSON.stringify(failing.unlimited)} })`,
    message:
      /podman cannot run a container on this machine: Error: crun: setrlimit .* OCI permission denied$/,
    hint: /^try \S+ run --rm debian true; when it works, mill can use podman$/,
  },
  "podman, which fails without a message": {
    executor: `vmExecutor({ runtime: "podman", image: "debian", command: "/bin/false" })`,
    message:
      /podman cannot run a container on this machine: \/bin\/false failed without an error message \(exit code 1\)$/,
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
