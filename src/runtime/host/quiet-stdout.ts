/** Standard output is for mill's results: what a user's configuration prints goes to standard error meanwhile. */

const methods = ["debug", "dir", "info", "log", "table"] as const

/** From now on; gives what ends it. */
export const quietStdout = (): (() => void) => {
  const write = process.stdout.write
  const saved = methods.map((name) => [name, console[name]] as const)
  const toStderr = new console.Console(process.stderr)
  for (const name of methods) Object.assign(console, { [name]: toStderr[name].bind(toStderr) })
  process.stdout.write = process.stderr.write.bind(process.stderr)
  return () => {
    process.stdout.write = write
    for (const [name, method] of saved) Object.assign(console, { [name]: method })
  }
}
