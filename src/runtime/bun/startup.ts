/**
 * The first thing that a process of mill's own does. What runs once while a process starts is not worth compiling:
 * Bun's compiler would take a third of a short command's time. What still runs a while later is.
 */
/** By how much a function must have run longer than usual to be compiled. */
export const reluctance = 100
const startMillis = 250

Bun.unsafe.setJITPolicy(reluctance)
setTimeout(() => Bun.unsafe.setJITPolicy(1), startMillis).unref()
