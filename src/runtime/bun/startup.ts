/**
 * Loaded first in each of mill's own processes. Compiling code that runs once during start-up is a waste: Bun's compiler
 * would take a third of a short command's time. Code that still runs a while later is compiled as usual.
 */
/** How many times longer than usual a function must run before Bun compiles it. */
export const reluctance = 100
const startMillis = 250

Bun.unsafe.setJITPolicy(reluctance)
setTimeout(() => Bun.unsafe.setJITPolicy(1), startMillis).unref()
