// Full-page screenshots of an HTML file as a laptop and a phone show it, light and dark, by Debian's chromium.
// usage: npm run report:shots -- REPORT.html FOLDER. Fails if the page is wider than the screen or asks the network.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Failure, main } from "./lib.mjs";

const screens = { laptop: [1280, 800], phone: [390, 844] };
const schemes = ["light", "dark"];

/** Chromium's DevTools protocol over two pipes: JSON messages that end with a zero byte. */
function browse(profile) {
  const flags = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--remote-debugging-pipe",
    `--user-data-dir=${profile}`,
  ];
  const child = spawn(process.env.CHROMIUM ?? "chromium", flags, {
    stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
  });
  const [waiting, heard] = [new Map(), new Set()];
  let text = "";
  let next = 0;
  child.stdio[4].on("data", (data) => {
    const messages = (text + data).split("\0");
    text = messages.pop();
    for (const message of messages.map((m) => JSON.parse(m))) {
      waiting.get(message.id)?.(message);
      for (const hear of heard) hear(message);
    }
  });
  const gone = new Promise((_, reject) => {
    child.on("error", (error) => reject(new Failure(`${error.message}. Install Debian's chromium or set CHROMIUM`)));
    child.on("exit", (code) => reject(new Failure(`chromium ended with ${code}`)));
  });
  gone.catch(() => {});
  const send = (method, params = {}, sessionId = undefined) =>
    Promise.race([
      gone,
      new Promise((resolve, reject) => {
        const id = ++next;
        waiting.set(id, ({ error, result }) =>
          error ? reject(new Failure(`${method}: ${error.message}`)) : resolve(result),
        );
        child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
      }),
    ]);
  const close = () =>
    new Promise((resolve) => {
      child.on("close", resolve);
      child.kill();
    });
  return { send, hear: (f) => heard.add(f), close };
}

await main(async () => {
  const [file, folder] = process.argv.slice(2);
  if (!file || !folder) throw new Failure("usage: npm run report:shots -- REPORT.html FOLDER");
  if (!existsSync(file)) throw new Failure(`${file}: no such file`);
  mkdirSync(folder, { recursive: true });
  const profile = mkdtempSync(join(tmpdir(), "shots-"));
  const browser = browse(profile);
  try {
    const { targetId } = await browser.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await browser.send("Target.attachToTarget", { targetId, flatten: true });
    const send = (method, params) => browser.send(method, params, sessionId);
    const asked = [];
    let loaded = () => {};
    browser.hear(({ method, params }) => {
      if (method === "Network.requestWillBeSent") asked.push(params.request.url);
      if (method === "Page.loadEventFired") loaded();
    });
    await send("Page.enable");
    await send("Network.enable");
    for (const [screen, [width, height]] of Object.entries(screens)) {
      for (const scheme of schemes) {
        const mobile = screen === "phone";
        await send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: mobile ? 2 : 1, mobile });
        await send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
        const ready = new Promise((resolve) => {
          loaded = resolve;
        });
        await send("Page.navigate", { url: pathToFileURL(resolve(file)).href });
        await ready;
        const { cssContentSize: size } = await send("Page.getLayoutMetrics");
        if (size.width > width) throw new Failure(`${file}: ${size.width} pixels wide on a ${screen} of ${width}`);
        const clip = { x: 0, y: 0, width, height: size.height, scale: 1 };
        const { data } = await send("Page.captureScreenshot", { captureBeyondViewport: true, clip });
        const to = join(folder, `${basename(file, ".html")}-${screen}-${scheme}.png`);
        writeFileSync(to, Buffer.from(data, "base64"));
        console.log(to);
      }
    }
    const outside = asked.filter((url) => !/^(file|data):/.test(url));
    if (outside.length) throw new Failure(`${file}: asks for ${outside.join(", ")}`);
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  }
});
