// Prints `PASSED FAILED` for a vitest JSON report and the exit code of the run that wrote it. A
// file that failed outside its tests counts as one failure, and so does a run that failed alone.
import { readFileSync } from "node:fs";

const [file, status] = process.argv.slice(2);
const report = JSON.parse(readFileSync(file, "utf8"));
const broken = report.testResults.filter(
  ({ status, assertionResults }) =>
    status === "failed" && !assertionResults.some((result) => result.status === "failed"),
).length;
const failed = report.numFailedTests + broken;
console.log(`${report.numPassedTests} ${failed || Number(status !== "0")}`);
