/**
 * The command line of bubblewrap (`bwrap`, 0.8 or later). It makes new namespaces of all kinds, so the sandbox has no
 * network, sees no other process, holds no capabilities, and has only the files that are mounted. It cannot limit
 * resources.
 *
 * The sandbox inherits bwrap's environment, which is set exactly. `--clearenv` would not do: the environment that bwrap
 * starts with stays readable in the sandbox as `/proc/1/environ`.
 */
import { isWithin, type Sandbox, scratch } from "./sandbox.ts"

/** System paths that programs and their libraries need. */
const system = [
  "/usr",
  "/bin",
  "/sbin",
  "/lib",
  "/lib32",
  "/lib64",
  "/libx32",
  "/etc/ld.so.cache",
  "/etc/localtime",
  "/nix/store",
  "/gnu/store",
]

const isolation = [
  "--unshare-all",
  "--unshare-user",
  // No namespaces inside: most sandbox escapes have begun there.
  "--disable-userns",
  "--die-with-parent",
  "--cap-drop",
  "ALL",
  "--hostname",
  "mill",
]

/**
 * /proc is read-only: root keeps the user id 0 in a sandbox, which is enough to write to /proc/sys, and one file there
 * names a program that the kernel starts outside. /dev is read-only too, except for the devices, which are mounts.
 */
const kernel = ["--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]

const shownAnyway = [...system, "/proc", "/dev"]

/** Builds the arguments that run a command of this machine in a sandbox, to check that one can be made. */
export const buildProbeArgs = (command: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...isolation,
  "--ro-bind",
  "/",
  "/",
  ...kernel,
  "--",
  ...command,
]

export const buildBubblewrapArgs = ({
  command,
  cwd,
  folders,
  hidden,
  mounts,
}: Sandbox): ReadonlyArray<string> => {
  // Each is its own read-only tmpfs: inside /tmp it would be writable, elsewhere it would show the machine's directory.
  const empty = folders.filter((folder) => !shownAnyway.some((shown) => isWithin(folder, shown)))
  return [
    ...isolation,
    "--tmpfs",
    scratch,
    ...empty.flatMap((folder) => ["--tmpfs", folder]),
    ...mounts.flatMap(({ at, from }) => ["--ro-bind", from, at]),
    "--dir",
    cwd,
    ...hidden.flatMap((folder) => ["--tmpfs", folder]),
    ...system.flatMap((path) => ["--ro-bind-try", path, path]),
    ...kernel,
    ...empty.flatMap((folder) => ["--remount-ro", folder]),
    "--remount-ro",
    "/",
    "--chdir",
    cwd,
    "--",
    ...command,
  ]
}
