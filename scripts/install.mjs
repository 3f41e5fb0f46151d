// Makes node_modules match bun.lock and finds the Bun in it.
//
// Needs Node 20 with npm, or a Bun no older than the pinned one. Takes about 10 ms and no network when everything is
// installed. Of several processes at once, one installs and the others wait. An installation that was killed half way is
// started over. Files missing inside a package go unnoticed.
//
// Plain JavaScript without dependencies: it runs before they are installed, under Node or Bun.
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { run, SignalError } from "./process.mjs"

const root = fileURLToPath(new URL("..", import.meta.url))
const modules = join(root, "node_modules")
const lockFile = join(modules, ".mill-lock")
const stateFile = join(modules, ".mill-install")
const lockTimeout = 10 * 60_000

const log = (message) => process.stderr.write(`mill: ${message}\n`)
const readIfExists = (file) => (fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "")

const runQuietly = async (command, args, options = {}) => {
  const { code, output } = await run(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] })
  if (code !== 0) throw new Error(`${[command, ...args].join(" ")} failed with exit code ${code}\n${output}`)
  return output
}
const tryRun = (command, args) =>
  runQuietly(command, args).catch((error) => (error instanceof SignalError ? Promise.reject(error) : ""))

/**
 * Finds Bun among installed packages. The package `bun` contains a stub of a few hundred bytes until its postinstall script
 * replaces it with the executable from the platform's package, and postinstall scripts may be off.
 */
const findBun = async (folder) => {
  const platforms = fs.existsSync(join(folder, "@oven")) ? fs.readdirSync(join(folder, "@oven")) : []
  const places = [
    join(folder, "bun/bin/bun.exe"),
    ...platforms.map((name) => join(folder, "@oven", name, "bin/bun")),
  ]
  const found = places.filter((file) => fs.existsSync(file) && fs.statSync(file).size > 1_000_000)
  if (found.length < 2) return found[0]
  // Packages for other C libraries or processors may be installed too.
  for (const file of found) if (await tryRun(file, ["--version"])) return file
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
    await runQuietly(command, [...first, "install", "--prefix", folder, ...flags, spec], { cwd: folder })
  } catch (error) {
    throw error.code === "ENOENT" ? new Error(`npm or ${spec} (or later) must be on PATH`) : error
  }
}

/** Calls `use` with a Bun that can install: the installed one, the one on PATH, or one from npm. */
const withBun = async (version, use) => {
  const installed = await findBun(modules)
  if (installed !== undefined) return use(installed)
  const present = process.versions.bun === undefined ? "bun" : process.execPath
  if (isAtLeast((await tryRun(present, ["--version"])).trim() || "0.0.0", version)) return use(present)
  // Not in the temporary directory, which may be mounted noexec.
  const folder = fs.mkdtempSync(join(modules, ".mill-bun-"))
  try {
    log(`installing Bun ${version} with npm`)
    await npmInstall(folder, `bun@${version}`)
    return await use(await findBun(join(folder, "node_modules")))
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

/** Brings node_modules up to date. The state file shows a later process whether this one finished. */
const install = async () => {
  const version = JSON.parse(fs.readFileSync(join(root, "package.json"), "utf8")).devDependencies.bun
  const key = createHash("sha256")
    .update(fs.readFileSync(join(root, "bun.lock")))
    .digest("hex")
  const state = readIfExists(stateFile)
  if (state.startsWith("begun")) {
    log("an earlier installation was interrupted; starting over")
    const others = fs.readdirSync(modules).filter((name) => !join(modules, name).startsWith(lockFile))
    for (const name of others) fs.rmSync(join(modules, name), { recursive: true, force: true })
  }
  if (state !== `done ${key}`) {
    log("installing the dependencies")
    fs.writeFileSync(stateFile, `begun ${key}`)
  }
  try {
    await withBun(version, (bun) => runQuietly(bun, ["install", "--frozen-lockfile"], { cwd: root }))
  } catch (error) {
    // When Bun reports a failure, node_modules is intact. After a signal it may not be.
    if (!(error instanceof SignalError)) fs.writeFileSync(stateFile, "failed")
    throw error
  }
  if (state !== `done ${key}`) fs.writeFileSync(stateFile, `done ${key}`)
  const bun = await findBun(modules)
  if (bun === undefined) throw new Error(`bun.lock contains no Bun for ${process.platform} ${process.arch}`)
  return bun
}

const isAlive = (pid) => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error.code === "EPERM"
  }
}

/** Reads the owner of the lock, if it still exists. A lock is stale when its owner is dead or it is too old. */
const readLockOwner = () => {
  try {
    const pid = Number(fs.readFileSync(lockFile, "utf8"))
    const held = Date.now() - fs.statSync(lockFile).mtimeMs
    return { pid, stale: pid === process.pid || !isAlive(pid) || held > lockTimeout }
  } catch (error) {
    if (error.code === "ENOENT") return undefined
    throw error
  }
}

const takeLock = () => {
  // A hard link appears with its content: no process sees a lock without an owner.
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
    const owner = readLockOwner()
    if (owner?.stale) fs.rmSync(lockFile, { force: true })
    else if (owner !== undefined) {
      if (round === 50) log(`waiting for process ${owner.pid} to finish installing`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  try {
    return await use()
  } finally {
    fs.rmSync(lockFile, { force: true })
  }
}

/** Installs the dependencies in bun.lock unless they are installed. Resolves to the path of the pinned Bun. */
export const ensureInstalled = () => withLock(install)
