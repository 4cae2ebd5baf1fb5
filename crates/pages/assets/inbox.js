// The developer inbox: shows the mails and text messages that the server keeps instead of sending them.
//
// The server pushes new messages (`events`); the list is read again (`messages`) whenever that connection opens or
// the page comes to the front, every half minute in case a push got lost or another tab deleted something, and every
// two seconds if the server cannot push. The open message stands in the address (#id) and so does the search (?q=),
// hence reload, "back" and shared links work.
//
// Everything of a message is put in place as text. Its HTML is only ever shown by the frame of the "Rendered" view,
// as a document of its own that may run nothing.
(() => {
  "use strict";

  const POLL_MS = 2000;
  const RESYNC_MS = 30_000;
  const COPIED_MS = 2000;

  const inboxUrl = location.pathname.replace(/\/+$/, "");
  const clockUrl = inboxUrl.replace(/[^/]*$/, "clock");
  const apiUrl = document.body.dataset.apiUrl;
  const isNarrow = matchMedia("(max-width: 52rem)");

  const element = (id) => document.getElementById(id);
  const main = element("main");
  const search = element("search");

  /** Messages by id with their rows, oldest first. */
  const entries = new Map();
  let view = "rendered";
  let frameWidth = "desktop";
  let frameTheme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  /** The server's clock minus this machine's, in milliseconds. */
  let skewMs = 0;
  let isPolling = false;

  // ------------------------------------------------------------------ list

  const isMail = (message) => message.channel === "email";
  const headline = (message) => (isMail(message) ? message.subject : `Text · ${message.text}`);
  const selectedId = () => decodeURIComponent(location.hash.slice(1));
  const visibleIds = () => [...entries].filter(([, { row }]) => !row.hidden).map(([id]) => id);

  async function load({ isFirst = false } = {}) {
    const known = new Set(entries.keys());
    const answer = await fetch(`${inboxUrl}/messages`, { cache: "no-store" }).catch(() => null);
    if (!answer?.ok) return setState("waiting", "Server not reachable");
    if (isPolling) setState("polling", `Checking every ${POLL_MS / 1000} s`);
    const { messages } = await answer.json();
    for (const { id } of messages) known.delete(id);
    // What was known before and is no longer there was deleted elsewhere. What arrived meanwhile stays.
    for (const id of known) remove(id);
    for (const message of messages) add(message, { isNew: !isFirst });
    if (isFirst && !location.hash && !isNarrow.matches) openNewest();
    refresh();
  }

  function add(message, { isNew }) {
    if (entries.has(message.id)) return;
    const row = element("row").content.firstElementChild.cloneNode(true);
    const link = row.querySelector("a");
    link.href = `#${encodeURIComponent(message.id)}`;
    link.querySelector(".to").textContent = message.to;
    link.querySelector(".subject").textContent = headline(message);
    entries.set(message.id, { message, row });
    element("messages").prepend(row);
    if (!isNew) return;
    row.dataset.fresh = "";
    if (!selectedId() && !isNarrow.matches) {
      history.replaceState(null, "", link.href);
    } else {
      row.dataset.unread = "";
    }
    announce(`New message for ${message.to}: ${headline(message)}`);
  }

  function remove(id) {
    entries.get(id).row.remove();
    entries.delete(id);
  }

  function matches(message, query) {
    return [message.to, headline(message), message.code].some((value) => value?.toLowerCase().includes(query));
  }

  /** Brings everything that is shown in line with the messages, the search and the address. */
  function refresh() {
    const query = search.value.trim().toLowerCase();
    for (const { message, row } of entries.values()) row.hidden = !matches(message, query);
    const shown = visibleIds().length;
    element("nothing").hidden = shown > 0;
    element("empty").hidden = entries.size > 0;
    element("list").hidden = entries.size === 0;
    const total = `${entries.size} ${entries.size === 1 ? "message" : "messages"}`;
    element("count").textContent = query ? `${shown} of ${total}` : total;
    showTimes();
    showMessage();
    showTitle();
  }

  function openNewest() {
    const newest = visibleIds().at(-1);
    if (newest) history.replaceState(null, "", `#${encodeURIComponent(newest)}`);
  }

  function openNeighbour(step) {
    const ids = visibleIds();
    if (ids.length === 0) return;
    const index = ids.indexOf(selectedId());
    const next = index < 0 ? ids.length - 1 : Math.min(Math.max(index + step, 0), ids.length - 1);
    location.hash = encodeURIComponent(ids[next]);
    entries.get(ids[next]).row.scrollIntoView({ block: "nearest" });
  }

  // --------------------------------------------------------------- message

  let shownId = "";

  function showMessage() {
    const id = selectedId();
    const entry = entries.get(id);
    main.toggleAttribute("data-open", Boolean(entry));
    element("message").hidden = !entry;
    element("unselected").hidden = Boolean(entry) || entries.size === 0;
    for (const { row } of entries.values()) {
      const isOpen = row === entry?.row;
      if (isOpen) row.querySelector("a").setAttribute("aria-current", "true");
      else row.querySelector("a").removeAttribute("aria-current");
      if (isOpen) delete row.dataset.unread;
      row.querySelector(".unread")?.remove();
      if ("unread" in row.dataset) {
        const hint = document.createElement("span");
        hint.className = "unread visually-hidden";
        hint.textContent = ", unread";
        row.querySelector(".to").append(hint);
      }
    }
    if (shownId === (entry ? id : "")) return;
    shownId = entry ? id : "";
    if (entry) fillMessage(entry.message);
  }

  function fillMessage(message) {
    element("subject").textContent = isMail(message) ? message.subject : "Text message";
    element("to").textContent = message.to;
    element("from").textContent = message.from;
    const sent = new Date(message.created_at);
    element("sent").dateTime = message.created_at;
    element("sent").textContent = sent.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
    element("template").textContent = message.template_type;

    const [link] = message.links;
    const token = URL.canParse(link) ? new URL(link).searchParams.get("token") : null;
    showFound("code", message.code);
    showFound("link", link);
    showFound("token", token);
    element("open").href = link ?? "";

    const wanted = message.code ? "code" : link ? "links[0]" : "text";
    element("snippet").textContent =
      `curl -sG ${apiUrl}/dev/inbox/messages \\\n` +
      `  --data-urlencode ${shellQuote(`to=${message.to}`)} \\\n` +
      `  | jq -r '.messages[-1].${wanted}'`;

    element("tabs").hidden = !message.html;
    showView();
  }

  function showFound(name, value) {
    element(`found-${name}`).hidden = !value;
    element(name).textContent = value ?? "";
  }

  const shellQuote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

  /** Fills the large part of an open message as the chosen tab says. */
  function showView() {
    const { message } = entries.get(shownId);
    const shown = message.html ? view : "text";
    for (const tab of element("tabs").children) {
      const isSelected = tab.id === `tab-${shown}`;
      tab.setAttribute("aria-selected", String(isSelected));
      tab.tabIndex = isSelected ? 0 : -1;
    }
    element("view").setAttribute("aria-labelledby", message.html ? `tab-${shown}` : "subject");
    element("preview-options").hidden = shown !== "rendered";
    for (const button of document.querySelectorAll("[data-width]")) {
      button.setAttribute("aria-pressed", String(button.dataset.width === frameWidth));
    }
    for (const button of document.querySelectorAll("[data-theme-of-mail]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeOfMail === frameTheme));
    }
    element("content").replaceChildren(shown === "rendered" ? mailFrame(message) : textBlock(message, shown));
  }

  /** A new frame each time: changing the address of one would add steps to the history. */
  function mailFrame(message) {
    const frame = document.createElement("iframe");
    frame.className = `mail-frame ${frameWidth} ${frameTheme}`;
    frame.title = "Rendered mail";
    frame.setAttribute("sandbox", "allow-popups allow-popups-to-escape-sandbox");
    frame.src = `${inboxUrl}/messages/${encodeURIComponent(message.id)}/html?theme=${frameTheme}`;
    return frame;
  }

  function textBlock(message, shown) {
    const block = document.createElement(isMail(message) ? "pre" : "p");
    block.className = isMail(message) ? "plain" : "bubble";
    block.textContent = shown === "source" ? message.html : message.text;
    return block;
  }

  // ------------------------------------------------------------- live state

  function setState(state, words) {
    element("state").dataset.state = state;
    element("state").textContent = words;
  }

  function listen() {
    const events = new EventSource(`${inboxUrl}/events`);
    events.onopen = () => {
      setState("live", "Live");
      load();
    };
    events.onmessage = (event) => {
      add(JSON.parse(event.data), { isNew: true });
      refresh();
    };
    events.onerror = () => {
      if (events.readyState !== EventSource.CLOSED) return setState("waiting", "Reconnecting");
      isPolling = true;
      load();
      setInterval(load, POLL_MS);
    };
  }

  function announce(words) {
    element("announcement").textContent = words;
  }

  function showTitle() {
    const unread = document.querySelectorAll("#messages [data-unread]").length;
    const message = entries.get(selectedId())?.message;
    const parts = [message && headline(message), "Inbox", "Ostiary"].filter(Boolean);
    document.title = (unread ? `(${unread}) ` : "") + parts.join(" · ");
  }

  // ------------------------------------------------------------------ times

  const serverNow = () => new Date(Date.now() + skewMs);

  function showTimes() {
    for (const { message, row } of entries.values()) {
      const time = row.querySelector("time");
      time.dateTime = message.created_at;
      time.title = new Date(message.created_at).toLocaleString("en-GB");
      time.textContent = age(new Date(message.created_at));
    }
  }

  function age(date) {
    const seconds = (serverNow() - date) / 1000;
    if (seconds < 45) return "now";
    if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min`;
    if (seconds < 86400) return `${Math.round(seconds / 3600)} h`;
    return date.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  }

  /** 4200 → "1 h 10 min" */
  function duration(seconds) {
    const units = [["day", 86400], ["h", 3600], ["min", 60], ["s", 1]];
    let rest = Math.round(Math.abs(seconds));
    const parts = [];
    for (const [name, length] of units) {
      const count = Math.floor(rest / length);
      rest -= count * length;
      if (count) parts.push(`${count} ${name === "day" && count > 1 ? "days" : name}`);
    }
    return parts.slice(0, 2).join(" ");
  }

  async function readClock() {
    const answer = await fetch(clockUrl, { cache: "no-store" }).catch(() => null);
    if (!answer?.ok) return;
    const { now, offset_seconds: offset } = await answer.json();
    skewMs = Date.parse(now) - Date.now();
    element("clock-button").hidden = false;
    element("clock-button").toggleAttribute("data-moved", offset !== 0);
    element("clock-label").textContent = offset === 0 ? "real time" : `${duration(offset)} ahead`;
    showClock();
    showTimes();
  }

  function showClock() {
    const now = serverNow();
    element("clock-now").dateTime = now.toISOString();
    element("clock-now").textContent = now.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
  }

  async function advanceClock(seconds) {
    const answer = await fetch(clockUrl, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ advance_seconds: seconds }),
    }).catch(() => null);
    await readClock();
    announce(answer?.ok ? `The clock now shows ${element("clock-now").textContent}` : "The clock did not move");
  }

  // ---------------------------------------------------------------- actions

  async function copy(button) {
    const source = element(button.dataset.copy);
    const words = button.querySelector("span");
    const label = (button.dataset.label ??= words.textContent);
    if (!(await copyText(source))) return announce("This browser did not allow copying");
    words.textContent = "Copied";
    announce("Copied");
    clearTimeout(button.timer);
    button.timer = setTimeout(() => (words.textContent = label), COPIED_MS);
  }

  /** The clipboard exists only on https and localhost; elsewhere the selection is copied. */
  async function copyText(source) {
    if (navigator.clipboard) {
      return navigator.clipboard.writeText(source.textContent).then(() => true, () => false);
    }
    getSelection().selectAllChildren(source);
    return document.execCommand("copy");
  }

  async function deleteAll() {
    const answer = await fetch(`${inboxUrl}/messages`, { method: "DELETE" }).catch(() => null);
    element("delete-error").hidden = Boolean(answer?.ok);
    if (!answer?.ok) return;
    for (const id of [...entries.keys()]) remove(id);
    history.replaceState(null, "", location.pathname + location.search);
    element("delete-dialog").close();
    refresh();
    announce("All messages are deleted");
    main.focus();
  }

  function applySearch() {
    const query = search.value.trim();
    const address = new URL(location.href);
    if (query) address.searchParams.set("q", query);
    else address.searchParams.delete("q");
    history.replaceState(null, "", address);
    refresh();
  }

  const keys = {
    j: () => openNeighbour(-1),
    k: () => openNeighbour(1),
    o: () => shownId && !element("found-link").hidden && element("open").click(),
    c: () => {
      const found = ["code", "link"].find((name) => !element(`found-${name}`).hidden);
      if (shownId && found) copy(document.querySelector(`#found-${found} [data-copy]`));
    },
    "/": () => search.focus(),
  };

  function onKey(event) {
    const isTyping = event.target.closest("input, textarea, select");
    if (event.key === "Escape" && event.target === search) {
      search.value = "";
      applySearch();
      search.blur();
    }
    const hasModifier = event.ctrlKey || event.metaKey || event.altKey;
    if (isTyping || hasModifier || element("delete-dialog").open || !element("keys-on").checked) return;
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  }

  function onTabKey(event) {
    const tabs = [...element("tabs").children];
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(tabs.indexOf(event.target) + step + tabs.length) % tabs.length];
    next.focus();
    next.click();
  }

  function onClick(event) {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.copy) copy(button);
    if (button.dataset.advance) advanceClock(Number(button.dataset.advance));
    if (button.dataset.width) frameWidth = button.dataset.width;
    if (button.dataset.themeOfMail) frameTheme = button.dataset.themeOfMail;
    if (button.role === "tab") view = button.id.replace("tab-", "");
    if (button.dataset.width || button.dataset.themeOfMail || button.role === "tab") showView();
  }

  function onAddress() {
    const before = shownId;
    refresh();
    if (!isNarrow.matches) return;
    // One pane at a time: the focus goes where the eyes go.
    scrollTo(0, 0);
    if (shownId) element("back").focus();
    else entries.get(before)?.row.querySelector("a").focus();
  }

  /** Single keys can be switched off (WCAG 2.1.4); the choice is remembered where the browser lets pages do so. */
  function rememberKeys() {
    const box = element("keys-on");
    try {
      box.checked = localStorage.getItem("keys") !== "off";
      box.addEventListener("change", () => localStorage.setItem("keys", box.checked ? "on" : "off"));
    } catch {
      box.checked = true;
    }
  }

  search.value = new URLSearchParams(location.search).get("q") ?? "";
  search.addEventListener("input", applySearch);
  search.form.addEventListener("submit", (event) => event.preventDefault());
  element("clear").addEventListener("click", () => {
    search.value = "";
    applySearch();
    search.focus();
  });
  element("delete-all").addEventListener("click", () => element("delete-dialog").showModal());
  element("delete-confirm").addEventListener("click", deleteAll);
  element("clock").addEventListener("toggle", readClock);
  element("tabs").addEventListener("keydown", onTabKey);
  addEventListener("click", onClick);
  addEventListener("keydown", onKey);
  addEventListener("hashchange", onAddress);
  addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") load().then(readClock);
  });
  rememberKeys();
  setInterval(showTimes, 15_000);
  setInterval(load, RESYNC_MS);
  setInterval(() => element("clock").matches(":popover-open") && showClock(), 1000);
  load({ isFirst: true }).then(listen);
  readClock();
})();
