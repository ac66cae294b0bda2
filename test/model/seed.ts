/** The seed of all random walks: a failure prints it, `MODEL_SEED=7 npx vitest run test/model` sets it. */
export const seed = Number(process.env['MODEL_SEED'] ?? 20_251_122);
