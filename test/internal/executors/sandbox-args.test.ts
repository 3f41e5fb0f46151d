/** The command lines that make sandboxes, word for word. */
import { describe, expect, test } from "bun:test"
import { Schema } from "effect"
import type { PlanVmExecutor } from "../../../src/domain/plan.schema.ts"
import { RunId } from "../../../src/domain/ids.schema.ts"
import { buildBubblewrapArgs } from "../../../src/internal/executors/bubblewrap.ts"
import { buildContainerArgs } from "../../../src/internal/executors/container.effect.ts"
import type { Sandbox } from "../../../src/internal/executors/sandbox.ts"

const runId = Schema.decodeUnknownSync(RunId)("run_01m7wpkzr5a6v4z8sv7vwp2m3c")
const executor: PlanVmExecutor = {
  name: "vm",
  type: "vm",
  runtime: "bubblewrap",
  command: "/usr/bin/bwrap",
  env: ["TOKEN"],
  setEnv: [],
  readable: [],
}
const sandbox: Sandbox = {
  executor,
  cwd: "/work/project",
  folders: ["/work/project"],
  mounts: [
    { from: "/store/sources/1", at: "/work/project/main.ts" },
    { from: `/odd "x", y`, at: `/odd "x", y` },
    { from: "/bun", at: "/run/mill/bun" },
  ],
  hidden: ["/readable/store"],
  command: ["/run/mill/bun", "--no-install", "/run/mill/host.ts"],
  openEnv: { HOME: "/tmp" },
  secretEnv: { TOKEN: "secret" },
  userId: 1000,
  groupId: 100,
}

/** The words of a command line, split at spaces. */
const words = (text: string): ReadonlyArray<string> => text.trim().split(/\s+/)

test("bubblewrap", () => {
  const args = buildBubblewrapArgs(sandbox)
  const first = words(`
    --unshare-all --unshare-user --disable-userns --die-with-parent --cap-drop ALL --hostname mill
    --tmpfs /tmp --tmpfs /work/project --ro-bind /store/sources/1 /work/project/main.ts --ro-bind`)
  expect(args.slice(0, first.length)).toEqual([...first])
  const rest = args.slice(first.length)
  expect(rest.slice(0, 2)).toEqual([`/odd "x", y`, `/odd "x", y`])
  const bound = rest.flatMap((word, index) => (word === "--ro-bind-try" ? [rest[index + 1]] : []))
  expect(bound).toContain("/usr")
  expect(bound).not.toContain("/etc")
  const others = rest.slice(2).filter((word) => word !== "--ro-bind-try" && !bound.includes(word))
  expect(others).toEqual([
    ...words(`
      --ro-bind /bun /run/mill/bun --dir /work/project --tmpfs /readable/store
      --proc /proc --remount-ro /proc --dev /dev --remount-ro /dev --remount-ro /work/project --remount-ro /
      --chdir /work/project -- /run/mill/bun --no-install /run/mill/host.ts`),
  ])
  expect(args.join(" ")).not.toContain("secret")
})

test("bubblewrap, with the root or a system directory as working directory", () => {
  for (const folder of ["/usr/share/mill", "/proc/self"]) {
    const args = buildBubblewrapArgs({ ...sandbox, cwd: folder, folders: [folder] })
    expect(args).not.toContain(`--tmpfs ${folder}`)
    expect(args.filter((word, index) => args[index - 1] === "--remount-ro" && word === folder)).toEqual([])
  }
})

describe("a container", () => {
  const image = "debian:stable-slim"
  const common = `--rm --init --name mill-${runId} --network none --read-only --cap-drop ALL
    --security-opt no-new-privileges --security-opt label=disable --log-driver none --user 1000:100`
  const mounts = [
    ...words(`--tmpfs /tmp --mount type=tmpfs,dst=/work/project,ro --mount type=tmpfs,dst=/readable/store,ro
      --mount type=bind,src=/store/sources/1,dst=/work/project/main.ts,readonly --mount`),
    `type=bind,"src=/odd ""x"", y","dst=/odd ""x"", y",readonly`,
    ...words(`--mount type=bind,src=/bun,dst=/run/mill/bun,readonly --env HOME=/tmp --env TOKEN
      --workdir /work/project --entrypoint /run/mill/bun ${image} --no-install /run/mill/host.ts`),
  ]

  test("of docker, with limits", () => {
    const docker: PlanVmExecutor = { ...executor, runtime: "docker", image, memory: 512, processes: 64 }
    expect(buildContainerArgs(runId, { ...sandbox, executor: docker })).toEqual([
      ...words(`run ${common} --memory 512m --memory-swap 512m --pids-limit 64`),
      ...mounts,
    ])
  })

  test("of podman, as a user of the same id", () => {
    const podman: PlanVmExecutor = { ...executor, runtime: "podman", image }
    expect(buildContainerArgs(runId, { ...sandbox, executor: podman })).toEqual([
      ...words(`run ${common} --userns keep-id`),
      ...mounts,
    ])
    expect(buildContainerArgs(runId, { ...sandbox, userId: 0, executor: podman })).not.toContain("--userns")
  })

  test("has no empty directory over a mount", () => {
    const args = buildContainerArgs(runId, { ...sandbox, executor: { ...executor, image }, folders: [] })
    expect(args).not.toContain("type=tmpfs,dst=/work/project,ro")
  })
})
