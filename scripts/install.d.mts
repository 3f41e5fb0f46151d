/** Installs what bun.lock asks for, where that has not been done. Resolves to the path of the Bun it pins. */
export declare const ensureInstalled: () => Promise<string>
