// Accuracy against interpretability: the entries that match the filters, and the front that no other entry betters in
// both. Uses the columns and the view of view.js.
"use strict";

const MARGIN = { left: 68, right: 26, top: 14, bottom: 46 };
const WITH_BARS = 60; // the most points that are drawn with their intervals
const scatter = document.getElementById("scatter");
const axes = columns.filter((column) => !column.e);
let width = Math.max(280, scatter.clientWidth); // read when it changes: reading it makes the browser lay out the page
let plotted = { points: [], key: "", active: -1 };

function svgOf(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

function axisOf(name, otherwise) {
  return axes.find((column) => column.name === name) ?? axes[otherwise] ?? axes[0];
}

function pointOf(entry, x, y) {
  const [atX, atY] = [x.at.get(entry), y.at.get(entry)];
  if (atX === undefined || atY === undefined) return null;
  return {
    entry,
    x: x.mean[atX],
    y: y.mean[atY],
    halfX: 10 * Math.max(0, x.half[atX]),
    halfY: 10 * Math.max(0, y.half[atY]),
    ranked: x.best[atX] > 0 && y.best[atY] > 0,
  };
}

/** The points that no other one betters in one axis without being worse in the other, from left to right. */
function frontOf(points, x, y) {
  const [signX, signY] = [x.up ? 1 : -1, y.up ? 1 : -1];
  const best = points.filter((point) => point.ranked).sort((a, b) => signX * (b.x - a.x) || signY * (b.y - a.y));
  const front = [];
  let reached = -Infinity;
  for (const point of best) {
    if (signY * point.y <= reached) {
      const last = front.at(-1);
      if (last.x === point.x && last.y === point.y) front.push(point);
      continue;
    }
    reached = signY * point.y;
    front.push(point);
  }
  return front.sort((a, b) => a.x - b.x);
}

function ticksOf(low, high, room) {
  const rough = (high - low) / Math.max(2, Math.floor(room / 70));
  const step = [5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find((one) => one >= rough) ?? 10000;
  const ticks = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) ticks.push(tick);
  return ticks;
}

function domainOf(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = Math.max(50, (high - low) * 0.06);
  return [Math.max(0, low - room), Math.min(10000, Math.max(high + room, low + 100))];
}

function drawScatter(rows) {
  const [x, y] = [axisOf(view.x, 0), axisOf(view.y, 1)];
  const shown = address({ ...view, by: start.by, sort: "", reverse: false, page: 1, compare: [] });
  const key = `${x.name} ${y.name} ${width} ${shown}`;
  find("x").value = x.name;
  find("y").value = y.name;
  if (key === plotted.key) return;
  const every = rows.map((entry) => pointOf(entry, x, y)).filter(Boolean);
  every.sort((a, b) => a.x - b.x || a.y - b.y || a.entry - b.entry);
  plotted = { points: [], key, active: -1, x, y, front: new Set() };
  scatter.replaceChildren();
  scatter.removeAttribute("height");
  find("detail").textContent = every.length ? "" : "No entry has both scores.";
  find("front").textContent = "";
  find("outside").textContent = "";
  if (!every.length) return;
  // Controls score as no contestant does: with them in the frame all others would be one speck.
  const contestants = every.filter((point) => !named("control", point.entry));
  const framed = contestants.length ? contestants : every;
  const height = Math.round(Math.min(440, Math.max(300, width * 0.5)));
  scatter.setAttribute("viewBox", `0 0 ${width} ${height}`);
  scatter.setAttribute("height", height);
  const bars = every.length <= WITH_BARS;
  // The means make the frame; a wide interval ends at its edge.
  const [lowX, highX] = domainOf(framed.map((point) => point.x));
  const [lowY, highY] = domainOf(framed.map((point) => point.y));
  const inside = (point) => point.x >= lowX && point.x <= highX && point.y >= lowY && point.y <= highY;
  const points = every.filter(inside);
  plotted.points = points;
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const toX = (value) =>
    MARGIN.left + ((clamp(value, lowX, highX) - lowX) / (highX - lowX)) * (width - MARGIN.left - MARGIN.right);
  const toY = (value) =>
    height - MARGIN.bottom - ((clamp(value, lowY, highY) - lowY) / (highY - lowY)) * (height - MARGIN.top - MARGIN.bottom);
  drawAxes(toX, toY, ticksOf(lowX, highX, width - 72), ticksOf(lowY, highY, height - 60), width, height);
  if (bars) {
    const lines = points.map(
      (point) =>
        `M${toX(point.x - point.halfX)} ${toY(point.y)}H${toX(point.x + point.halfX)}` +
        `M${toX(point.x)} ${toY(point.y - point.halfY)}V${toY(point.y + point.halfY)}`,
    );
    scatter.append(svgOf("path", { class: "bars", d: lines.join("") }));
  }
  const front = frontOf(points, x, y);
  plotted.front = new Set(front.map((point) => point.entry));
  drawFront(front, toX, toY);
  for (const point of points) {
    [point.left, point.top] = [toX(point.x), toY(point.y)];
    scatter.append(markOf(point));
  }
  labels(front, width);
  scatter.append(svgOf("circle", { class: "active", r: 8, cx: -20, cy: -20 }));
  const left = every.filter((point) => !inside(point)).map((point) => `${label(point.entry)} (${score(point.x)}, ${score(point.y)})`);
  find("outside").textContent = left.length ? `Outside the frame: ${left.join(", ")}.` : "";
  const names = [...new Set(front.map((point) => label(point.entry)))];
  const told = names.length > 12 ? `${names.length} entries` : names.join(", ");
  find("front").textContent = front.length ? `On the front: ${told}.` : "";
}

function drawAxes(toX, toY, ticksX, ticksY, width, height) {
  const bottom = height - MARGIN.bottom;
  for (const tick of ticksX) {
    scatter.append(svgOf("path", { class: "grid", d: `M${toX(tick)} ${MARGIN.top}V${bottom}` }));
    scatter.append(svgOf("text", { x: toX(tick), y: bottom + 17, "text-anchor": "middle" }, score(tick)));
  }
  for (const tick of ticksY) {
    scatter.append(svgOf("path", { class: "grid", d: `M${MARGIN.left} ${toY(tick)}H${width - MARGIN.right}` }));
    scatter.append(svgOf("text", { x: MARGIN.left - 7, y: toY(tick) + 4, "text-anchor": "end" }, score(tick)));
  }
  const middle = (MARGIN.left + width - MARGIN.right) / 2;
  const up = (MARGIN.top + bottom) / 2;
  scatter.append(svgOf("text", { class: "title", x: middle, y: height - 8, "text-anchor": "middle" }, plotted.x.title));
  const turned = { class: "title", "text-anchor": "middle", transform: `translate(13 ${up}) rotate(-90)` };
  scatter.append(svgOf("text", turned, plotted.y.title));
}

function drawFront(front, toX, toY) {
  if (front.length < 2) return;
  // A step keeps to what has been reached: between two points of the front the worse of their scores is certain.
  const steps = front.slice(1).map((point, index) => {
    const worse = plotted.y.up ? Math.min(point.y, front[index].y) : Math.max(point.y, front[index].y);
    return worse === front[index].y ? `H${toX(point.x)}V${toY(point.y)}` : `V${toY(point.y)}H${toX(point.x)}`;
  });
  scatter.append(svgOf("path", { class: "front", d: `M${toX(front[0].x)} ${toY(front[0].y)}${steps.join("")}` }));
}

function markOf(point) {
  const { left, top } = point;
  if (named("control", point.entry)) {
    return svgOf("path", { class: "point control", d: `M${left} ${top - 5}l5 5-5 5-5-5z` });
  }
  if (named("trust", point.entry) === "disputed") {
    return svgOf("path", { class: "point disputed", d: `M${left - 4} ${top - 4}l8 8m0-8l-8 8` });
  }
  const kind = plotted.front.has(point.entry) ? "point best" : "point";
  return svgOf("circle", { class: kind, cx: left, cy: top, r: plotted.front.has(point.entry) ? 5 : 4 });
}

/** Names beside the points of the front, each where it covers no other name and no other point of the front. */
function labels(front, width) {
  const taken = front.map(({ left, top }) => ({ x: left - 6, y: top - 6, width: 12, height: 12 }));
  const meets = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
  for (const point of front) {
    const text = svgOf("text", { class: "name" }, label(point.entry));
    scatter.append(text);
    const free = [[1, -7], [-1, -7], [1, 17], [-1, 17]].some(([side, down]) => {
      text.setAttribute("text-anchor", side > 0 ? "start" : "end");
      text.setAttribute("x", point.left + 9 * side);
      text.setAttribute("y", point.top + down);
      const box = text.getBBox();
      const within = box.x >= MARGIN.left && box.x + box.width <= width && box.y >= 0;
      if (!within || taken.some((other) => meets(box, other))) return false;
      taken.push(box);
      return true;
    });
    if (!free) text.remove();
  }
}

function activate(index) {
  plotted.active = index;
  const point = plotted.points[index];
  const ring = scatter.querySelector(".active");
  ring.setAttribute("cx", point.left);
  ring.setAttribute("cy", point.top);
  const value = (mean, half) => score(mean) + (half ? ` \u00b1${thousandths(half / 10)}` : "");
  const words = [named("control", point.entry) && "control", named("trust", point.entry)].filter(Boolean).join(", ");
  const trials = data.trials[point.entry];
  const link = make("a", "", label(point.entry));
  link.href = pageOf(point.entry);
  find("detail").replaceChildren(
    link,
    ` (${words}, ${trials} trial${trials === 1 ? "" : "s"}): ${plotted.x.title} ${value(point.x, point.halfX)}, ` +
      `${plotted.y.title} ${value(point.y, point.halfY)}${plotted.front.has(point.entry) ? "; on the front" : ""}`,
  );
}

function nearest(event) {
  const frame = scatter.getBoundingClientRect();
  const scale = scatter.viewBox.baseVal.width / frame.width;
  const [left, top] = [(event.clientX - frame.left) * scale, (event.clientY - frame.top) * scale];
  let [found, distance] = [-1, 24 ** 2];
  plotted.points.forEach((point, index) => {
    const apart = (point.left - left) ** 2 + (point.top - top) ** 2;
    if (apart < distance) [found, distance] = [index, apart];
  });
  return found;
}

function open(index) {
  if (index >= 0) location.href = pageOf(plotted.points[index].entry);
}

scatter.addEventListener("pointermove", (event) => {
  const index = nearest(event);
  scatter.classList.toggle("near", index >= 0);
  if (index >= 0 && index !== plotted.active) activate(index);
});
// A finger has no hover: the first tap tells, the link in what it tells opens.
scatter.addEventListener("click", (event) => {
  const index = nearest(event);
  if (event.pointerType === "mouse") open(index);
  else if (index >= 0) activate(index);
});
scatter.addEventListener("keydown", (event) => {
  const last = plotted.points.length - 1;
  if (last < 0) return;
  const moves = { ArrowRight: plotted.active + 1, ArrowLeft: plotted.active - 1, Home: 0, End: last };
  if (event.key === "Enter") open(plotted.active);
  if (!(event.key in moves)) return;
  event.preventDefault();
  activate(Math.min(last, Math.max(0, moves[event.key])));
});
find("x").addEventListener("change", (event) => change({ x: event.target.value }, { page: view.page }));
find("y").addEventListener("change", (event) => change({ y: event.target.value }, { page: view.page }));
new ResizeObserver(([{ contentRect }]) => {
  width = Math.max(280, Math.floor(contentRect.width));
  drawScatter(ordered());
}).observe(scatter.parentElement);
