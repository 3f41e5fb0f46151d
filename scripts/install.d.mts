/** Installs the dependencies in bun.lock unless they are installed. Resolves to the path of the pinned Bun. */
export declare const ensureInstalled: () => Promise<string>
