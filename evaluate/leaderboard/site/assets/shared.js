// What every page with data shares: the data, how numbers and names are told, and how elements are made.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const data = JSON.parse(document.getElementById("data").textContent);
const models = data.models.map((name) => (name.includes(".") ? name : `${name}.${data.benchmark.split("@")[0]}`));
const find = (id) => document.getElementById(id);

/** A property of an entry that is kept as a place in a list of names. */
function named(field, entry) {
  return data[field].names[data[field].of[entry]];
}

/** A model's name, less the data set where that is the benchmark's own. */
function label(entry) {
  return data.models[entry];
}

function pageOf(entry) {
  return `models/${encodeURIComponent(models[entry])}/index.html`;
}

function thousandths(value) {
  return `${Math.floor(value / 1000)}.${String(value % 1000).padStart(3, "0")}`;
}

/** Whole ten-thousandths to whole thousandths: what was sent is such that this is what Python prints. */
function rounded(value) {
  return Math.floor((value + 5) / 10);
}

function score(value) {
  return thousandths(rounded(value));
}

/** A difference in thousandths, with its sign. */
function signed(value) {
  return (value < 0 ? "\u2212" : value > 0 ? "+" : "") + thousandths(Math.abs(value));
}

/** Text is only ever set as text: names and notes come from strangers. */
function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

/** How an entry stands, as the tags beside its name. */
function tags(entry) {
  const control = named("control", entry);
  const trust = named("trust", entry);
  const found = [make("span", `tag ${trust}`, trust)];
  return control ? [make("span", "tag", `control: ${control}`), ...found] : found;
}
