/**
 * The command line of bubblewrap (`bwrap`, 0.8 or later). It makes new namespaces of every kind, so the sandbox has no
 * network, sees no other process and holds no rights; what is not mounted is not there. It has no limits to set.
 *
 * The environment is bwrap's own, given exactly and not by `--clearenv`: what bwrap was started with stays readable in
 * the sandbox, as `/proc/1/environ`.
 */
import { liesIn, type Sandbox, scratch } from "./sandbox.ts"

/** What programs and their libraries need of the system. */
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
  // No namespaces inside: they are where most ways out of a sandbox have begun.
  "--disable-userns",
  "--die-with-parent",
  "--cap-drop",
  "ALL",
  "--hostname",
  "mill",
]

/**
 * /proc as a whole is read-only: files in /proc/sys ask for nothing but the user id 0, which root keeps in a sandbox,
 * and one of them names a program that the kernel starts outside. /dev is too, but for its devices: mounts of their own.
 */
const kernel = ["--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]

const shownAnyway = [...system, "/proc", "/dev"]

/** Arguments that try whether a sandbox can be made here, by running a command of this machine in it. */
export const probeArgs = (command: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...isolation,
  "--ro-bind",
  "/",
  "/",
  ...kernel,
  "--",
  ...command,
]

export const bubblewrapArgs = ({ command, cwd, folders, hidden, mounts }: Sandbox): ReadonlyArray<string> => {
  // In the temporary folder, folders could be written to; elsewhere, they would be what they are outside.
  const empty = folders.filter((folder) => !shownAnyway.some((shown) => liesIn(folder, shown)))
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
