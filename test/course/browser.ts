import { type Browser, chromium } from "playwright-core";
import { type Browser as Firefox, launch } from "puppeteer-core";

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Debian's Chromium, without a network of its own. */
export const startBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: "/usr/bin/chromium", args: flags });

/** Debian's Firefox, driven by WebDriver BiDi. */
export const startFirefox = (): Promise<Firefox> =>
  launch({ browser: "firefox", executablePath: "/usr/bin/firefox-esr", headless: true });

/** What a page has to say for itself after it was opened from disk. */
export interface Looked {
  /** Errors of the page and of its console, and files that it asked for and did not get. */
  readonly errors: readonly string[];
  /** Requests to anywhere but the disk. */
  readonly requests: readonly string[];
  readonly charts: number;
  readonly drawn: number;
  /** Figures whose chart is shown and whose picture is hidden. */
  readonly live: number;
  readonly imagesWithoutAlt: number;
  readonly brokenImages: number;
  /** Pixels by which the page is wider than the screen. */
  readonly overflow: number;
  readonly language: string;
  readonly headings: readonly number[];
  readonly deadLinks: readonly string[];
}

/** Opens a page of the book in a screen of `width` pixels. */
export const look = async (browser: Browser, path: string, width: number, script = true): Promise<Looked> => {
  const context = await browser.newContext({ viewport: { width, height: 900 }, javaScriptEnabled: script });
  const page = await context.newPage();
  const errors: string[] = [];
  const requests: string[] = [];
  page.on("console", message => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", error => errors.push(String(error)));
  page.on("requestfailed", request => errors.push(`failed: ${request.url()}`));
  page.on("request", request => /^(file|data|blob):/.test(request.url()) || requests.push(request.url()));
  await page.goto(`file://${path}`, { waitUntil: "load" });
  const count = (selector: string) => page.locator(selector).count();
  const charts = await count("figure.chart");
  if (script && charts > 0)
    await page
      .locator("figure.live")
      .nth(charts - 1)
      .waitFor({ state: "attached", timeout: 20_000 })
      .catch(() => undefined);
  const evaluate = <T>(expression: string) => page.evaluate<T>(expression);
  const looked: Looked = {
    errors,
    requests,
    charts,
    drawn: await count("figure.chart .vega svg, figure.chart .vega canvas"),
    live: await evaluate(
      `[...document.querySelectorAll("figure.live")].filter(f => getComputedStyle(f.querySelector(".vega")).display !== "none" && getComputedStyle(f.querySelector("img")).display === "none").length`,
    ),
    imagesWithoutAlt: await evaluate(`[...document.images].filter(image => !image.alt).length`),
    brokenImages: await evaluate(`[...document.images].filter(image => image.naturalWidth === 0).length`),
    overflow: await evaluate("document.documentElement.scrollWidth - innerWidth"),
    language: await evaluate("document.documentElement.lang"),
    headings: await evaluate(`[...document.querySelectorAll("h1,h2,h3,h4,h5,h6")].map(h => Number(h.tagName[1]))`),
    deadLinks: await evaluate(
      `[...document.querySelectorAll('a[href^="#"]')].map(a => a.getAttribute("href")).filter(href => !document.getElementById(href.slice(1)))`,
    ),
  };
  await context.close();
  return looked;
};
