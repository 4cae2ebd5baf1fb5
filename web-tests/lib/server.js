// A server for the checks: answers with the files that the `render` example wrote, under the policy each page
// comes with, and plays the inbox and the clock of `ostiary dev`.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const rendered = fileURLToPath(new URL("../out/rendered", import.meta.url));

/** Renders all pages and mails afresh. Call it once per test file. */
export function render() {
  execFileSync("cargo", ["run", "--quiet", "-p", "ostiary-pages", "--example", "render", "--", rendered], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
}

/** A mail of the built-in templates, as the inbox lists it. */
export function mail(id, name, fields = {}) {
  const { subject, text, html, template_type } = JSON.parse(readFileSync(`${rendered}/mails_${name}`, "utf8"));
  const links = [...text.matchAll(/^https?:\S+$/gm)].map(([link]) => link);
  const code = text.match(/^\d{6}$/m)?.[0] ?? null;
  return {
    id, channel: "email", to: "mara.lindt@northwind.example", from: "Harbor <login@harbor.example>",
    subject, text, html, links, code, template_type, created_at: new Date().toISOString(), ...fields,
  };
}

/** A text message with a code, as the inbox lists it. */
export function textMessage(id, fields = {}) {
  return {
    id, channel: "sms", to: "+46705550142", from: "Harbor", subject: null,
    text: "418207 is your code for Harbor. It expires in 2 minutes.", html: null, links: [], code: "418207",
    template_type: "ONE_TIME_PASSCODE", created_at: new Date().toISOString(), ...fields,
  };
}

export class FakeServer {
  static async start() {
    const server = new FakeServer();
    await new Promise((resolve) => server.http.listen(0, "127.0.0.1", resolve));
    server.url = `http://127.0.0.1:${server.http.address().port}`;
    return server;
  }

  constructor() {
    this.index = JSON.parse(readFileSync(`${rendered}/index.json`, "utf8"));
    this.messages = [];
    this.clockOffsetSeconds = 0;
    /** Whether the server pushes; otherwise it refuses event streams. */
    this.pushes = true;
    /** Whether the server answers at all. */
    this.isUp = true;
    /** Requests seen, "METHOD /path?query". */
    this.requests = [];
    this.streams = new Set();
    this.http = createServer((request, response) => this.answer(request, response));
  }

  async stop() {
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }

  get pages() {
    return Object.keys(this.index).filter((path) => this.index[path].content_type.startsWith("text/html"));
  }

  deliver(message) {
    this.messages.push(message);
    for (const stream of this.streams) stream.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
  }

  async answer(request, response) {
    this.requests.push(`${request.method} ${request.url}`);
    const { pathname, searchParams } = new URL(request.url, this.url);
    if (!this.isUp) return request.socket.destroy();
    const preview = pathname.match(/^\/dev\/inbox\/messages\/([^/]+)\/html$/);
    if (pathname === "/dev/inbox/messages") return this.answerMessages(request, response);
    if (pathname === "/dev/inbox/events") return this.answerEvents(request, response);
    if (pathname === "/dev/clock") return this.answerClock(request, response);
    if (preview) return this.answerPreview(decodeURIComponent(preview[1]), searchParams.get("theme"), response);
    // Where the page behind a mail link leads to: the app, which sends its people on to a host of its own.
    if (pathname === "/app") return response.writeHead(302, { location: `${this.otherOrigin}/welcome` }).end();
    if (pathname === "/welcome") return response.end("Welcome to the app");
    return this.answerFile(pathname, response);
  }

  /** The same server under another origin. */
  get otherOrigin() {
    return this.url.replace("127.0.0.1", "localhost");
  }

  answerMessages(request, response) {
    if (request.method === "DELETE") {
      this.messages = [];
      return response.writeHead(204).end();
    }
    return json(response, { messages: this.messages });
  }

  answerEvents(request, response) {
    if (!this.pushes) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write(": open\n\n");
    this.streams.add(response);
    return request.on("close", () => this.streams.delete(response));
  }

  async answerClock(request, response) {
    if (request.method === "POST") {
      const parts = await request.toArray();
      this.clockOffsetSeconds += JSON.parse(Buffer.concat(parts)).advance_seconds;
    }
    const now = new Date(Date.now() + this.clockOffsetSeconds * 1000).toISOString();
    return json(response, { now, offset_seconds: this.clockOffsetSeconds });
  }

  /** Messages of the checks come from templates whose previews were rendered too. */
  answerPreview(id, theme, response) {
    const message = this.messages.find((message) => message.id === id);
    const file = Object.keys(this.index).find(
      (path) => path.endsWith(`/${theme}`) && this.file(path).includes(`<title>${message?.subject}</title>`),
    );
    return this.answerFile(file, response, { isPreview: true });
  }

  file(path) {
    return readFileSync(`${rendered}/${this.index[path].file}`, "utf8");
  }

  answerFile(path, response, { isPreview = false } = {}) {
    const entry = this.index[path];
    if (!entry) return response.writeHead(404).end();
    const headers = {
      "content-type": entry.content_type,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    };
    // Mails are looked at outside the sandbox of their preview: in it nothing runs, not even the checker's timers.
    const policy = path.startsWith("/mails/") && !isPreview ? entry.policy.replace(/; sandbox.*/, "") : entry.policy;
    if (policy) headers["content-security-policy"] = policy;
    response.writeHead(200, headers);
    const body = this.file(path);
    // The page behind a mail link is rendered for a placeholder address.
    return response.end(path === "/hop/live" ? body.replaceAll("http://localhost:1/", `${this.url}/`) : body);
  }
}

function json(response, body) {
  response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}
