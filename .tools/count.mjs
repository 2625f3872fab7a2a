// Prints `PASSED FAILED` for a vitest JSON report and the exit code of the run that wrote it. A
// file that failed outside its tests counts as one failure, and so does a run without a report.
import { existsSync, readFileSync } from "node:fs";

const [file, status] = process.argv.slice(2);
const report = existsSync(file)
  ? JSON.parse(readFileSync(file, "utf8"))
  : { testResults: [], numPassedTests: 0, numFailedTests: 1 };
const broken = report.testResults.filter(
  ({ status, assertionResults }) =>
    status === "failed" && !assertionResults.some((result) => result.status === "failed"),
).length;
const failed = report.numFailedTests + broken;
console.log(`${report.numPassedTests} ${failed || Number(status !== "0")}`);
