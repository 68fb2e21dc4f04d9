// The board's table, drawn anew for every view, and what a reader does to it.
"use strict";

function place(column, entry) {
  if (named("control", entry)) return ["\u2013", "control"];
  if (named("trust", entry) === "disputed") return ["\u2013", "disputed"];
  const at = column.at.get(entry);
  if (at === undefined) return ["\u2013", "no value"];
  const [best, worst] = [column.best[at], column.worst[at]];
  const ranks = best === worst ? `${best}` : `${best}\u2013${worst}`;
  return [ranks, column.untested.has(at) ? "untested, n = 1" : `group ${column.group[at]}`];
}

function drawing(column, mean, half) {
  const [low, high] = column.scale;
  const at = (value) => {
    const inside = Math.min(Math.max(value, low), high) - low;
    return Math.floor((200 * inside + high - low) / (2 * (high - low)));
  };
  const tick = `M${at(mean)} 0V6`;
  return half < 0 ? tick : `M${at(mean - 10 * half)} 3H${at(mean + 10 * half)}${tick}`;
}

function number(column, entry) {
  const cell = make("td", column.name === view.by ? "by" : "");
  const at = column.at.get(entry);
  if (at === undefined) {
    cell.textContent = "\u2013";
    return cell;
  }
  cell.textContent = column.e ? column.e[at] : score(column.mean[at]);
  if (!column.e) {
    const half = column.half[at];
    if (half >= 0) cell.append(make("small", "", `\u00b1${thousandths(half)}`));
    cell.append(interval(drawing(column, column.mean[at], half)));
  }
  const other = data.disputed[entry]?.[column.name];
  if (other) cell.append(make("em", "", other));
  return cell;
}

function interval(path) {
  const image = document.createElementNS(SVG, "svg");
  image.setAttribute("viewBox", "0 0 100 6");
  image.append(document.createElementNS(SVG, "path"));
  image.firstChild.setAttribute("d", path);
  return image;
}

function row(column, entry, leads) {
  const at = column.at.get(entry);
  const control = named("control", entry);
  const trust = named("trust", entry);
  const group = at === undefined ? 0 : column.group[at];
  const kind = control ? "control" : trust === "disputed" ? "disputed" : group ? `g${group % 2}` : "";
  const line = make("tr", [kind, leads ? "first" : ""].filter(Boolean).join(" "));
  const [ranks, remark] = place(column, entry);
  const rank = make("td", "rank", ranks);
  rank.append(make("small", "", remark));
  const name = make("th");
  name.scope = "row";
  const link = make("a");
  const parts = label(entry).split(/(?<=_)/);
  link.append(...parts.flatMap((part, index) => (index ? [make("wbr"), part] : [part])));
  link.href = pageOf(entry);
  name.append(link, ...tags(entry).flatMap((tag) => [" ", tag]));
  line.append(rank, name, make("td", "n", data.trials[entry]), ...columns.map((one) => number(one, entry)));
  if (data.gap) {
    const gap = data.gap[entry];
    const cell = make("td", "gap", gap === null ? "\u2013" : signed(rounded(gap)));
    if (data.fitted.includes(entry)) cell.append(make("em", "", "above 0"));
    line.append(cell);
  }
  line.append(choice(entry));
  return line;
}

function choice(entry) {
  const cell = make("td", "pick");
  const box = make("input");
  box.type = "checkbox";
  box.checked = view.compare.includes(models[entry]);
  box.setAttribute("aria-label", `compare ${label(entry)}`);
  box.addEventListener("change", () => {
    const others = view.compare.filter((model) => model !== models[entry]);
    pick(box.checked ? [...others, models[entry]].slice(-2) : others);
  });
  box.value = models[entry];
  cell.append(box);
  return cell;
}

// --- the page ---

const table = document.getElementById("board");
const body = table.tBodies[0];

function change(changes, { page = 1 } = {}) {
  view = { ...view, page, ...changes };
  keep();
  draw();
}

function draw() {
  const column = columns.find((one) => one.name === view.by);
  const rows = ordered();
  const pages = Math.max(1, Math.ceil(rows.length / PAGE));
  view.page = Math.min(view.page, pages);
  const first = (view.page - 1) * PAGE;
  const shown = rows.slice(first, first + PAGE);
  const byRank = !view.sort && !view.reverse;
  const lines = document.createDocumentFragment();
  const seen = new Set([0]);
  for (const entry of shown) {
    const group = column.group[column.at.get(entry)] ?? 0;
    lines.append(row(column, entry, byRank && !seen.has(group)));
    seen.add(group);
  }
  body.replaceChildren(lines);
  table.classList.toggle("grouped", byRank);
  heads();
  find("count").textContent = counted(rows.length, first, shown.length);
  find("none").hidden = rows.length > 0;
  pager(pages);
  filters();
  comparison();
  links();
  if (typeof drawScatter === "function") drawScatter(rows);
}

function counted(total, first, length) {
  const all = models.length;
  const range = total > PAGE ? `${(first + 1).toLocaleString("en")}\u2013${(first + length).toLocaleString("en")} of ` : "";
  const among = total < all ? `, of ${all.toLocaleString("en")}` : "";
  return `${range}${total.toLocaleString("en")} ${total === 1 ? "entry" : "entries"}${among}`;
}

function heads() {
  const active = view.sort || view.by;
  for (const head of table.tHead.querySelectorAll("th[data-sort]")) {
    const key = head.dataset.sort;
    head.classList.toggle("by", key === view.by);
    if (key !== active) {
      head.removeAttribute("aria-sort");
      continue;
    }
    const column = columns.find((one) => one.name === key);
    const falls = column ? (column.e ? 0 : column.up) : key === "trials" ? 1 : 0;
    head.setAttribute("aria-sort", Boolean(falls) !== view.reverse ? "descending" : "ascending");
  }
  find("by").value = view.by;
}

function pager(pages) {
  find("pager").hidden = pages < 2;
  find("page").textContent = `Page ${view.page} of ${pages}`;
  find("before").disabled = view.page <= 1;
  find("after").disabled = view.page >= pages;
}

function filters() {
  if (find("q").value !== view.q) find("q").value = view.q;
  find("controls").checked = view.controls;
  for (const field of CHOICES) {
    const chosen = view.chosen[field];
    const box = find(`choose-${field}`);
    box.querySelector("summary span").textContent = chosen.size ? [...chosen].join(", ") : "all";
    for (const input of box.querySelectorAll("input")) input.checked = chosen.has(input.value);
  }
  find("reset").hidden = address({ ...view, page: 1, compare: [], x: "", y: "" }) === "";
}

/** Keeps the rows as they are, and with them the focus on the box that was ticked. */
function pick(compare) {
  view.compare = compare;
  keep();
  for (const box of body.querySelectorAll(".pick input")) box.checked = compare.includes(box.value);
  comparison();
  links();
}

/** The other views of this board open as this one stands. */
function links() {
  for (const link of document.querySelectorAll("a[data-view]")) link.hash = address({ ...view, page: 1 });
}

function comparison() {
  const bar = find("comparison");
  bar.hidden = !view.compare.length;
  const [a, b] = view.compare;
  const link = bar.querySelector("a");
  bar.querySelector("b").textContent = view.compare.map((model) => label(models.indexOf(model))).join(" and ");
  link.hidden = !b;
  bar.querySelector("small").hidden = Boolean(b);
  if (b) link.href = `compare.html#${new URLSearchParams({ a, b })}`;
}

// --- what a reader does ---

for (const head of table.tHead.querySelectorAll("th[data-sort]")) {
  const button = make("button");
  button.type = "button";
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    const key = head.dataset.sort;
    const again = key === (view.sort || view.by);
    const sort = columns.some((column) => column.name === key) ? { by: key, sort: "" } : { sort: key };
    change({ ...sort, reverse: again && !view.reverse });
  });
}
table.tHead.rows[0].append(make("th", "pick", "Compare"));

for (const field of CHOICES) {
  const box = find(`choose-${field}`);
  const counts = new Map();
  for (const which of data[field].of) counts.set(which, (counts.get(which) ?? 0) + 1);
  box.hidden = counts.size < 2;
  const list = make("fieldset");
  list.append(make("legend", "unseen", box.dataset.title));
  data[field].names.forEach((name, index) => {
    if (!counts.has(index)) return;
    const line = make("label");
    const input = make("input");
    input.type = "checkbox";
    input.value = name;
    input.addEventListener("change", () => {
      const chosen = new Set(view.chosen[field]);
      if (input.checked) chosen.add(name);
      else chosen.delete(name);
      change({ chosen: { ...view.chosen, [field]: chosen } });
    });
    line.append(input, make("span", "", name), " ", make("small", "", counts.get(index).toLocaleString("en")));
    list.append(line);
  });
  box.append(list);
}

const menus = [...document.querySelectorAll("details.choose")];
addEventListener("click", (event) => {
  for (const menu of menus) if (!menu.contains(event.target)) menu.open = false;
});
addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus.filter((one) => one.open)) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

find("q").addEventListener("input", (event) => change({ q: event.target.value }));
find("controls").addEventListener("change", (event) => change({ controls: event.target.checked }));
find("by").addEventListener("change", (event) => change({ by: event.target.value, sort: "", reverse: false }));
find("reset").addEventListener("click", () => {
  change({ ...start, chosen: Object.fromEntries(CHOICES.map((field) => [field, new Set()])), compare: view.compare });
});
find("before").addEventListener("click", () => change({}, { page: view.page - 1 }));
find("after").addEventListener("click", () => change({}, { page: view.page + 1 }));
find("clear").addEventListener("click", () => pick([]));
addEventListener("hashchange", () => {
  view = readAddress();
  draw();
});
// Scripts that come after this one define the scatter plot, which `draw` calls.
addEventListener("DOMContentLoaded", draw);
