// Nothing: what a Bun process costs.
