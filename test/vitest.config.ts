import { defineConfig } from "vitest/config";

export default defineConfig({
  oxc: { include: /\.[cm]?ts$/ }, // .cts is not among its defaults
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
});
