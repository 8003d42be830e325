// What a page can do beyond what the server sent: without this script everything but the live parts works.
// Numbers come formatted from the server alone: what is new is fetched as the page itself, and its parts are replaced.

const LOCAL_TIME = "portfolio.local-time";
const LEAST_MS_BETWEEN_FETCHES = 2_000;
const FETCH_MS = 15_000;
const SILENCE_MS = 40_000; // a heartbeat comes after 15 s of silence
const LONGEST_WAIT_MS = 30_000;
const LOOK_MS = 15_000; // a page without a stream looks by itself, as in privacy mode: messages have amounts in them

const button = (name) => document.querySelector(`[data-switch='${name}']`);
const clock = (at = new Date()) => `${at.toISOString().slice(11, 19)} UTC`;

function offerLocalTime() {
  const offered = button("local-time");
  const show = () => {
    const isLocal = localStorage.getItem(LOCAL_TIME) === "true";
    offered.setAttribute("aria-pressed", String(isLocal));
    for (const time of document.querySelectorAll("time[datetime*='T']")) {
      time.dataset.utc ??= time.textContent;
      time.textContent = isLocal ? new Date(time.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" }) : time.dataset.utc;
    }
  };
  offered.hidden = false;
  offered.addEventListener("click", () => {
    localStorage.setItem(LOCAL_TIME, String(offered.getAttribute("aria-pressed") !== "true"));
    show();
  });
  show();
  return show;
}

// How a place in a drawing becomes a row of the table beneath: along the days, across its columns, or down its rows.
const DIRECTIONS = { "chart-line": "days", "chart-columns": "across", "chart-waterfall": "down", "chart-bars": "down", "chart-bullet": "down", "chart-intervals": "down" };

class Cursor {
  constructor(figure) {
    this.drawing = figure.querySelector(".drawing");
    this.said = figure.querySelector("[data-cursor]");
    this.headings = [...figure.querySelectorAll("thead th")].map((cell) => cell.textContent);
    this.rows = [...figure.querySelectorAll("tbody tr")];
    const svg = this.drawing.querySelector("svg");
    this.direction = Object.entries(DIRECTIONS).find(([name]) => svg?.classList.contains(name))?.[1];
    if (this.rows.length === 0 || !svg) return;
    this.places = this.fractions();
    this.line = this.drawing.appendChild(Object.assign(document.createElement("i"), { className: "hair", hidden: true }));
    this.drawing.tabIndex = 0;
    this.drawing.setAttribute("role", "group");
    this.drawing.setAttribute("aria-label", `${figure.querySelector("figcaption").textContent}: arrow keys move along it`);
    for (const kind of ["pointermove", "pointerdown"]) this.drawing.addEventListener(kind, (event) => this.point(event));
    for (const kind of ["pointerleave", "blur"]) this.drawing.addEventListener(kind, () => this.hide());
    this.drawing.addEventListener("keydown", (event) => this.press(event));
  }

  fractions() {
    const count = this.rows.length;
    if (this.direction !== "days") return this.rows.map((_, n) => (n + 0.5) / count);
    const days = this.rows.map((row) => Date.parse(row.cells[0].textContent.slice(0, 10)));
    const span = days[count - 1] - days[0] || 1;
    return days.map((day) => (day - days[0]) / span);
  }

  point(event) {
    if (!this.direction) return;
    const box = this.drawing.getBoundingClientRect();
    const place = this.direction === "down" ? (event.clientY - box.top) / box.height : (event.clientX - box.left) / box.width;
    const apart = (n) => Math.abs(this.places[n] - place);
    this.show(this.places.reduce((nearest, _, n) => (apart(n) < apart(nearest) ? n : nearest), 0));
  }

  press(event) {
    const last = this.rows.length - 1;
    const at = this.at ?? (event.key === "ArrowRight" || event.key === "ArrowDown" ? -1 : last + 1);
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: last }[event.key];
    if (event.key === "Escape") this.hide();
    if (to === undefined) return;
    event.preventDefault();
    this.show(Math.min(Math.max(to, 0), last));
  }

  show(n) {
    this.at = n;
    const [name, ...values] = [...this.rows[n].cells].map((cell) => cell.textContent.trim());
    this.said.textContent = `${name}: ${values.map((value, i) => `${this.headings[i + 1]} ${value}`).join(", ")}`;
    this.said.hidden = false;
    this.line.hidden = this.direction !== "days" && this.direction !== "across";
    this.line.style.left = `${this.places[n] * 100}%`;
  }

  hide() {
    this.at = undefined;
    this.said.hidden = this.line.hidden = true;
  }
}

const rowsOf = (root) => [...new Set([...(root?.querySelectorAll("td") ?? [])].map((cell) => cell.parentElement))];

function prepare(root) {
  for (const figure of root.querySelectorAll("figure[data-chart]")) new Cursor(figure);
  for (const row of rowsOf(root)) row.tabIndex = -1; // a press shows its exact digits
}

// ... and so do the arrow keys, from the table, the row or the opened figure that has the focus.
document.addEventListener("keydown", (event) => {
  const rows = rowsOf(event.target.closest(".scroll, .figure[open]"));
  const isPlain = !(event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) && event.target.matches(".scroll, summary, tr");
  const step = isPlain && { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const row = step && rows[rows.indexOf(event.target.closest("tr")) + step];
  if (!row) return;
  event.preventDefault();
  row.focus();
});

const partsOf = (root) => [...root.querySelectorAll("[data-part]")].map((part) => part.dataset.part).join();
const focusable = (root) => [...root.querySelectorAll("a, button, input, select, textarea, summary, [tabindex]")];
const rowOf = (cell) => cell?.querySelector("time")?.dateTime ?? cell?.textContent ?? "";
// What it is called, whatever its place: rows come and go, and one asset has many.
const nameOf = (element) => rowOf(element.closest("tr")?.cells[0]) + (element.matches("tr") ? "" : element.getAttribute("href") ?? element.getAttribute("aria-label") ?? element.closest("[data-figure]")?.dataset.figure
  ?? element.closest("[data-chart]")?.dataset.chart ?? element.textContent);

// Some are called alike: the first of one name, the second, and so on.
const summariesOf = (root, seen = {}) => [...root.querySelectorAll("summary")].map((summary) => [nameOf(summary), summary])
  .map(([name, summary]) => [`${name} ${(seen[name] = (seen[name] ?? 0) + 1)}`, summary]);

function replacePart(old, part) {
  const opened = new Map(summariesOf(old).map(([name, summary]) => [name, summary.parentElement.open]));
  const scrolled = [...old.querySelectorAll(".scroll")].map((box) => [box.scrollLeft, box.scrollTop]);
  const focused = focusable(old).indexOf(document.activeElement);
  const name = focused >= 0 && nameOf(document.activeElement);
  old.replaceWith(part);
  for (const [name, summary] of summariesOf(part)) summary.parentElement.open = opened.get(name) ?? summary.parentElement.open;
  part.querySelectorAll(".scroll").forEach((box, n) => box.scrollTo(...(scrolled[n] ?? [0, 0])));
  prepare(part);
  const there = focusable(part);
  if (focused >= 0) ([there[focused], ...there].find((one) => one && nameOf(one) === name) ?? there[focused])?.focus({ preventScroll: true });
}

// What the server sent last, by part: what this script changed since (times, cursors) is no difference.
const sent = new Map();

function remember(root) {
  const parts = [...root.querySelectorAll("[data-part]")];
  const changed = parts.filter((part) => sent.get(part.dataset.part) !== part.outerHTML);
  for (const part of parts) sent.set(part.dataset.part, part.outerHTML);
  return changed;
}

// Two pages of one frame differ in their parts alone; in another, privacy was switched elsewhere, or the service has another version.
const frameOf = (page) => `${page.body.dataset.stream} ${page.querySelector("link[rel=stylesheet]").getAttribute("href")}`;

async function fetchPage() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store", signal: AbortSignal.timeout(FETCH_MS) });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const isShown = page.querySelector("[data-part]"); // else it is the form that asks for the key, or says what is wrong
  if (answer.status === 401 || (answer.ok && !(isShown && frameOf(page) === frameOf(document)))) return undefined; // it is to be loaded anew
  if (!isShown) throw new Error(`the page answered ${answer.status}`);
  return page;
}

function showParts(page) {
  const parts = remember(page);
  // There may be others now, as after the first booking.
  if (partsOf(page) !== partsOf(document)) replacePart(document.querySelector("main"), page.querySelector("main"));
  else for (const part of parts) replacePart(document.querySelector(`[data-part='${CSS.escape(part.dataset.part)}']`), part);
}

class Live {
  constructor(afterwards) {
    this.afterwards = afterwards;
    this.stream = document.body.dataset.stream;
    this.live = this.stream ? "Live" : `Live, every ${LOOK_MS / 1000} s`;
    this.paused = this.isNew = this.isBehind = false; // new: it was not fetched yet; behind: it could not be had
    this.fetchedAt = performance.now();
    this.failures = this.failedFetches = 0;
    const pause = button("pause");
    pause.hidden = false;
    pause.addEventListener("click", () => {
      this.paused = !this.paused;
      pause.setAttribute("aria-pressed", String(this.paused));
      if (this.paused) return this.say("paused", `Paused since ${clock()}`);
      this.tell();
      this.look();
    });
    document.addEventListener("visibilitychange", () => this.look()); // ages at least, and who may look
    addEventListener("online", () => this.look()); // as after a sleep
    addEventListener("pagehide", () => {
      if (this.socket) this.socket.onclose = null;
      this.socket?.close();
    });
    this.connect();
  }

  tell() {
    if (this.isConnected && !this.isBehind) return this.say("live", this.live);
    this.since ??= clock();
    this.say("cut-off", `Cut off since ${this.since}: trying again`);
  }

  say(state, words) {
    if (state === "live") this.since = undefined;
    if (this.paused && state !== "paused") return;
    document.querySelector("[data-live]").dataset.live = state;
    const place = document.querySelector("[data-live-words]");
    if (place.textContent !== words) place.textContent = words;
  }

  connect() {
    if (!this.stream) {
      this.isConnected = true;
      this.tell();
      return void setInterval(() => this.changed(), LOOK_MS);
    }
    const address = new URL(this.stream, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    this.socket = new WebSocket(address, ["portfolio.v1"]);
    this.socket.onmessage = (event) => this.hear(JSON.parse(event.data));
    this.socket.onclose = () => this.lost();
    this.listen();
  }

  listen() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.lost(), SILENCE_MS);
  }

  hear(message) {
    this.listen();
    if (message.type === "bye") this.retryMs = message.retry_ms;
    else if (message.type === "hello") {
      if (this.failures > 0) this.look();
      this.failures = 0;
      this.isConnected = true;
      this.tell();
    } else if (message.type !== "snapshot") this.changed(); // the page is as new as the first of them
  }

  lost() {
    clearTimeout(this.silence);
    this.socket.onclose = null; // a browser waits a minute for the other side to close
    this.socket.close();
    this.isConnected = false;
    const wait = this.retryMs ?? Math.min(1_000 * 2 ** this.failures, LONGEST_WAIT_MS) * (0.5 + Math.random() / 2);
    this.retryMs = undefined;
    this.failures += 1;
    this.isBehind = true;
    this.tell();
    this.changed(); // the page tells what the stream cannot: that the sign-in is over
    setTimeout(() => this.connect(), wait);
  }

  look() {
    this.failedFetches = 0;
    this.timer = clearTimeout(this.timer);
    this.changed();
  }

  changed() {
    this.isNew = true;
    this.fetchSoon();
  }

  fetchSoon() {
    if (!this.isNew || this.paused || document.hidden || this.timer || this.isFetching) return;
    const wait = Math.max(0, this.fetchedAt + Math.min(LEAST_MS_BETWEEN_FETCHES * 2 ** this.failedFetches, LONGEST_WAIT_MS) - performance.now());
    this.timer = setTimeout(() => this.fetchNow(), wait);
  }

  async fetchNow() {
    this.timer = undefined;
    if (this.paused || document.hidden) return;
    this.isNew = false;
    this.isFetching = true;
    this.fetchedAt = performance.now();
    try {
      const page = await fetchPage();
      if (this.paused) return void (this.isNew = true); // nothing changes under who has paused
      if (!page) return location.reload();
      showParts(page);
      this.failedFetches = 0;
      this.isBehind = false;
      this.afterwards();
    } catch (error) {
      this.isNew = this.isBehind = true;
      this.failedFetches += 1;
      console.info("portfolio:", error.message);
    } finally {
      this.isFetching = false;
      this.tell();
      if (this.isConnected) this.fetchSoon();
    }
  }
}

// A browser may keep a page that was left, and bring it back after the sign-out. A form that was sent is not sent again.
const loadAnew = () => (location.pathname.startsWith("/pages/import") && !location.search ? location.replace("/pages/import") : location.reload());
addEventListener("pageshow", (event) => event.persisted && loadAnew());
remember(document);
prepare(document);
const showLocal = button("local-time") && offerLocalTime();
if (showLocal && !("still" in document.body.dataset)) new Live(showLocal);
