// Makes node_modules match bun.lock and says which Bun belongs to it.
//
// Promises: Node 20 with npm, or a Bun that is not older than the pinned one, is all that has to be there; where nothing
// is missing it takes some 10 ms and no network; of several that start at once one installs and the others wait for it;
// an installation that was killed half way is done anew. It cannot notice single files missing inside a package.
//
// Plain JavaScript without dependencies, because it runs before there are any, under Node as well as under Bun.
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { run, SignalError } from "./process.mjs"

const root = fileURLToPath(new URL("..", import.meta.url))
const modules = join(root, "node_modules")
const lockFile = join(modules, ".mill-lock")
const stateFile = join(modules, ".mill-install")
const lockLasts = 10 * 60_000

const say = (message) => process.stderr.write(`mill: ${message}\n`)
const readIfThere = (file) => (fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "")

const quietly = async (command, args, options = {}) => {
  const { code, output } = await run(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] })
  if (code !== 0) throw new Error(`${[command, ...args].join(" ")} failed with exit code ${code}\n${output}`)
  return output
}
const answers = (command, args) =>
  quietly(command, args).catch((error) => (error instanceof SignalError ? Promise.reject(error) : ""))

/**
 * The Bun among installed packages. The package `bun` holds a stub of a few hundred bytes until its postinstall script
 * has moved the executable there from the package of the platform, and such scripts may be switched off.
 */
const bunIn = async (folder) => {
  const platforms = fs.existsSync(join(folder, "@oven")) ? fs.readdirSync(join(folder, "@oven")) : []
  const places = [
    join(folder, "bun/bin/bun.exe"),
    ...platforms.map((name) => join(folder, "@oven", name, "bin/bun")),
  ]
  const found = places.filter((file) => fs.existsSync(file) && fs.statSync(file).size > 1_000_000)
  if (found.length < 2) return found[0]
  // Packages for other C libraries or processors may lie beside the right one.
  for (const file of found) if (await answers(file, ["--version"])) return file
}

const isAtLeast = (version, least) => {
  const [a, b] = [version, least].map((text) => text.split(/[.-]/, 3).map(Number))
  const i = a.findIndex((part, index) => part !== b[index])
  return i === -1 || a[i] > b[i]
}

const npmInstall = async (folder, spec) => {
  const npm = process.env.npm_execpath ?? ""
  const [command, ...first] = npm.endsWith("npm-cli.js") ? [process.execPath, npm] : ["npm"]
  const flags = [
    "--ignore-scripts",
    "--no-save",
    "--no-package-lock",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ]
  try {
    await quietly(command, [...first, "install", "--prefix", folder, ...flags, spec], { cwd: folder })
  } catch (error) {
    throw error.code === "ENOENT" ? new Error(`neither npm nor ${spec} or later is on the PATH`) : error
  }
}

/** Calls `use` with a Bun that can install: the one installed before, the one there is, or one that npm gets for this. */
const withBun = async (version, use) => {
  const installed = await bunIn(modules)
  if (installed !== undefined) return use(installed)
  const present = process.versions.bun === undefined ? "bun" : process.execPath
  if (isAtLeast((await answers(present, ["--version"])).trim() || "0.0.0", version)) return use(present)
  // In node_modules, since programs may not be executable in the temporary directory.
  const folder = fs.mkdtempSync(join(modules, ".mill-bun-"))
  try {
    say(`getting Bun ${version} through npm`)
    await npmInstall(folder, `bun@${version}`)
    return await use(await bunIn(join(folder, "node_modules")))
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

/** Brings node_modules up to date. The state file tells a later process whether this one got to its end. */
const install = async () => {
  const version = JSON.parse(fs.readFileSync(join(root, "package.json"), "utf8")).devDependencies.bun
  const key = createHash("sha256")
    .update(fs.readFileSync(join(root, "bun.lock")))
    .digest("hex")
  const state = readIfThere(stateFile)
  if (state.startsWith("begun")) {
    say("an earlier installation did not get to its end: starting over")
    const others = fs.readdirSync(modules).filter((name) => !join(modules, name).startsWith(lockFile))
    for (const name of others) fs.rmSync(join(modules, name), { recursive: true, force: true })
  }
  if (state !== `done ${key}`) {
    say("installing the dependencies")
    fs.writeFileSync(stateFile, `begun ${key}`)
  }
  try {
    await withBun(version, (bun) => quietly(bun, ["install", "--frozen-lockfile"], { cwd: root }))
  } catch (error) {
    // Bun reports a failure with node_modules in order; only a signal leaves it anyhow.
    if (!(error instanceof SignalError)) fs.writeFileSync(stateFile, "failed")
    throw error
  }
  if (state !== `done ${key}`) fs.writeFileSync(stateFile, `done ${key}`)
  const bun = await bunIn(modules)
  if (bun === undefined) throw new Error(`bun.lock brings no Bun for ${process.platform} ${process.arch}`)
  return bun
}

const isAlive = (pid) => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error.code === "EPERM"
  }
}

/** Who holds the lock; undefined where nobody does any more. It is stale after its owner, or after any installation. */
const lockOwner = () => {
  try {
    const pid = Number(fs.readFileSync(lockFile, "utf8"))
    const held = Date.now() - fs.statSync(lockFile).mtimeMs
    return { pid, stale: pid === process.pid || !isAlive(pid) || held > lockLasts }
  } catch (error) {
    if (error.code === "ENOENT") return undefined
    throw error
  }
}

const takeLock = () => {
  // A hard link appears together with its content: nobody reads a lock that does not name its owner yet.
  const mine = `${lockFile}.${process.pid}`
  fs.writeFileSync(mine, String(process.pid))
  try {
    fs.linkSync(mine, lockFile)
    return true
  } catch (error) {
    if (error.code === "EEXIST") return false
    throw error
  } finally {
    fs.rmSync(mine)
  }
}

const withLock = async (use) => {
  fs.mkdirSync(modules, { recursive: true })
  for (let round = 1; !takeLock(); round++) {
    const owner = lockOwner()
    if (owner?.stale) fs.rmSync(lockFile, { force: true })
    else if (owner !== undefined) {
      if (round === 50) say(`process ${owner.pid} is installing: waiting for it`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  try {
    return await use()
  } finally {
    fs.rmSync(lockFile, { force: true })
  }
}

/** Installs what bun.lock asks for, where that has not been done. Resolves to the path of the Bun it pins. */
export const ensureInstalled = () => withLock(install)
