// What the board shows: columns, the view that the address keeps, which entries match and in which order.
"use strict";

const PAGE = 50; // as many rows as the page comes with
const CHOICES = ["trust", "activation", "architecture", "dataset"];
const collator = new Intl.Collator("en", { numeric: true });

const columns = data.metrics.map(decode);
const everyone = models.map((model, index) => index);

/** A column with its numbers by entry: `at` its place in the order, and what stands there. */
function decode(metric) {
  const sums = (steps) => {
    let sum = 0;
    return steps.map((step) => (sum += step));
  };
  const column = { ...metric, at: new Map(metric.order.map((entry, place) => [entry, place])) };
  for (const name of ["best", "worst"]) column[name] = sums(metric[name]);
  if (!metric.e) column.mean = sums(metric.mean);
  column.untested = new Set(metric.untested);
  let group = 0;
  column.group = column.best.map((best, place) => {
    if (place === metric.leads[group]) group += 1;
    return best ? group : 0;
  });
  return column;
}

// --- the view, and the address that keeps it ---

const start = { by: columns[0].name, sort: "", reverse: false, q: "", controls: true, page: 1, compare: [], x: "", y: "" };
let view = readAddress();

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const read = { ...start, chosen: {} };
  if (columns.some((column) => column.name === given.get("by"))) read.by = given.get("by");
  if (["model", "trials"].includes(given.get("sort"))) read.sort = given.get("sort");
  read.reverse = given.get("order") === "reverse";
  read.q = given.get("q") ?? "";
  read.controls = given.get("controls") !== "hide";
  read.page = Math.max(1, Number.parseInt(given.get("page") ?? "1", 10) || 1);
  read.compare = given.getAll("compare").filter((model) => models.includes(model)).slice(0, 2);
  read.x = given.get("x") ?? "";
  read.y = given.get("y") ?? "";
  for (const field of CHOICES) {
    const names = new Set(data[field].names);
    read.chosen[field] = new Set(given.getAll(field).filter((name) => names.has(name)));
  }
  return read;
}

function address(of) {
  const kept = new URLSearchParams();
  if (of.by !== start.by) kept.set("by", of.by);
  if (of.sort) kept.set("sort", of.sort);
  if (of.reverse) kept.set("order", "reverse");
  if (of.q) kept.set("q", of.q);
  for (const field of CHOICES) for (const name of of.chosen[field]) kept.append(field, name);
  if (!of.controls) kept.set("controls", "hide");
  if (of.page > 1) kept.set("page", of.page);
  for (const model of of.compare) kept.append("compare", model);
  if (of.x) kept.set("x", of.x);
  if (of.y) kept.set("y", of.y);
  return kept.toString();
}

function keep() {
  const kept = address(view);
  history.replaceState(null, "", kept ? `#${kept}` : location.pathname + location.search);
}

// --- which rows, in which order ---

function matches(entry) {
  if (!view.controls && named("control", entry)) return false;
  for (const field of CHOICES) {
    if (view.chosen[field].size && !view.chosen[field].has(named(field, entry))) return false;
  }
  return searched(entry);
}

function searched(entry) {
  const words = view.q.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return true;
  const fields = ["activation", "architecture", "dataset", "submitter", "trust", "control"];
  const text = [models[entry], ...fields.map((field) => named(field, entry))].join("\n").toLowerCase();
  return words.every((word) => text.includes(word));
}

/** Every entry that matches, in order; what has no value, and what is disputed, stays last in either direction. */
function ordered() {
  const column = columns.find((one) => one.name === view.by);
  const turn = view.reverse ? -1 : 1;
  const shown = everyone.filter(matches);
  if (view.sort === "model") {
    return shown.sort((a, b) => turn * collator.compare(models[a], models[b]));
  }
  if (view.sort === "trials") {
    return shown.sort((a, b) => turn * (data.trials[b] - data.trials[a]) || a - b);
  }
  const last = (entry) => (!column.at.has(entry) ? 2 : named("trust", entry) === "disputed" ? 1 : 0);
  return shown.sort((a, b) => last(a) - last(b) || turn * (column.at.get(a) - column.at.get(b)) || a - b);
}
