/**
 * Finds out whether podman can run containers on this machine, and makes an image for the tests. The image contains only the
 * C library that Bun needs, copied from this machine's packages: no registry is involved.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { isMissing } from "./requirements.ts"

export type Podman = {
  readonly image: string
  /** Variables for mill and podman. */
  readonly env: Readonly<Record<string, string>>
  /** Runs podman and returns its output. Throws when podman fails. */
  readonly call: (...args: ReadonlyArray<string>) => string
  /** Makes an image from the C library without the dynamic loader, in which Bun cannot start. */
  readonly makeBrokenImage: () => string
  readonly remove: () => void
}

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes).trim()

const callPodman = (env: Readonly<Record<string, string>>, args: ReadonlyArray<string>): string => {
  const { exitCode, stderr, stdout } = Bun.spawnSync(["podman", ...args], {
    env: { ...process.env, ...env },
    timeout: 60_000,
  })
  if (exitCode !== 0) throw new Error(`podman ${args.join(" ")}: ${decode(stderr)}`)
  return decode(stdout)
}

/** Copies the libraries of Bun to a root file system. */
const copyLibraries = (root: string): void => {
  for (const [path] of decode(Bun.spawnSync(["ldd", process.execPath]).stdout).matchAll(/(?<=\s)\/\S+/g)) {
    mkdirSync(join(root, dirname(path)), { recursive: true })
    cpSync(path, join(root, path), { dereference: true })
  }
}

/**
 * Configurations in which podman may work. It may not be allowed to raise limits above its own, and crun does not work on
 * machines with both versions of cgroups.
 */
const limits = `[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n`
const configurations = [undefined, limits, `${limits}[engine]\nruntime = "runc"\n`]

const importImage = (place: string, root: string, name: string): string => {
  const archive = join(place, "image.tar")
  Bun.spawnSync(["tar", "-C", root, "-cf", archive, "."])
  callPodman({}, ["import", "--quiet", archive, name])
  return name
}

const makePodman = (place: string): Podman => {
  const image = `localhost/mill-test-${process.pid}:glibc`
  const root = join(place, "root")
  copyLibraries(root)
  importImage(place, root, image)
  const images = [image]
  const remove = () => {
    for (const name of images) callPodman({}, ["rmi", "--force", name])
    rmSync(place, { recursive: true, force: true })
  }
  const attempts = configurations.map((text, index) => {
    const file = join(place, `containers-${index}.conf`)
    if (text !== undefined) writeFileSync(file, text)
    return text === undefined ? {} : { CONTAINERS_CONF: file }
  })
  const bun = `type=bind,src=${process.execPath},dst=/run/mill/bun,readonly`
  const probe = ["run", "--rm", "--init", "--network", "none", "--memory", "256m", "--pids-limit", "64"]
  const problems: Array<string> = []
  for (const env of attempts) {
    try {
      callPodman(env, [...probe, "--mount", bun, "--entrypoint", "/run/mill/bun", image, "--version"])
      return {
        image,
        env,
        call: (...args) => callPodman(env, args),
        makeBrokenImage: () => {
          for (const folder of ["lib64", "lib"]) {
            for (const name of new Bun.Glob("**/ld-linux*").scanSync({ cwd: join(root, folder) })) {
              rmSync(join(root, folder, name))
            }
          }
          const broken = `localhost/mill-test-${process.pid}:broken`
          images.push(importImage(place, root, broken))
          return broken
        },
        remove,
      }
    } catch (error) {
      problems.push(String(error))
    }
  }
  remove()
  throw new Error(problems.at(-1))
}

/** Podman, or undefined when it cannot run containers. The reason is printed, unless podman is not installed. */
const findPodman = (): Podman | undefined => {
  if (Bun.which("podman") === null) return undefined
  const place = mkdtempSync(join(tmpdir(), "mill-podman-"))
  try {
    return makePodman(place)
  } catch (error) {
    rmSync(place, { recursive: true, force: true })
    const reason = String(error).replaceAll("\n", " ")
    process.stderr.write(`\npodman cannot run containers on this machine: ${reason}\n`)
    return undefined
  }
}

export const podman = findPodman()

/** Whether to skip the tests with podman. */
export const isWithoutPodman = isMissing("podman", podman !== undefined)
