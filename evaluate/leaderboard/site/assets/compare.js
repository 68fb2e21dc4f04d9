// Two models side by side, every metric of the benchmark; the address says which.
"use strict";

function value(metric, entry) {
  const [mean, half, n] = [metric.mean[entry], metric.half?.[entry] ?? -1, metric.n?.[entry] ?? data.trials[entry]];
  const cell = make("td");
  if (mean === null) {
    cell.textContent = "\u2013";
    return cell;
  }
  cell.textContent = metric.e ? mean : score(mean);
  if (half >= 0) cell.append(make("small", "", `\u00b1${thousandths(half)}`));
  cell.append(make("small", "", `n = ${n}`));
  return cell;
}

/** The difference of two means, and whether their 95 % intervals leave room between them. */
function difference(metric, a, b) {
  const cell = make("td");
  const [first, second] = [metric.mean[a], metric.mean[b]];
  if (first === null || second === null || metric.e) {
    cell.textContent = "\u2013";
    return cell;
  }
  const gap = rounded(first) - rounded(second);
  cell.textContent = signed(gap);
  const [halfA, halfB] = [metric.half[a], metric.half[b]];
  const apart = halfA >= 0 && halfB >= 0 && Math.abs(gap) > halfA + halfB;
  if (apart) cell.append(make("small", "", (gap > 0) === Boolean(metric.up) ? "A is better" : "B is better"));
  else cell.append(make("small", "", halfA < 0 || halfB < 0 ? "untested" : "overlap"));
  return cell;
}

/** The entry of a model's full name or of its name in the table; -1 without one. */
function entryOf(name) {
  const full = models.indexOf(name);
  return full < 0 ? data.models.indexOf(name) : full;
}

function draw() {
  const given = new URLSearchParams(location.hash.slice(1));
  const chosen = ["a", "b"].map((side) => entryOf(given.get(side) ?? ""));
  ["a", "b"].forEach((side, index) => {
    find(side).value = chosen[index] < 0 ? (given.get(side) ?? "") : models[chosen[index]];
    const panel = find(`panel-${side}`);
    panel.replaceChildren();
    if (chosen[index] >= 0) fill(panel, side.toUpperCase(), chosen[index]);
  });
  const [a, b] = chosen;
  const unknown = ["a", "b"].filter((side, index) => given.get(side) && chosen[index] < 0);
  find("unknown").textContent = unknown.map((side) => `No model ${given.get(side)} on this board.`).join(" ");
  const both = a >= 0 && b >= 0;
  find("scores").hidden = !both;
  find("choose").hidden = both;
  if (!both) return;
  document.title = `${label(a)} and ${label(b)} - ${data.benchmark}`;
  const lines = data.metrics
    .filter((metric) => metric.mean[a] !== null || metric.mean[b] !== null)
    .map((metric) => {
      const line = make("tr");
      const name = make("th", "", metric.title);
      name.scope = "row";
      if (!metric.up) name.append(make("small", "", "lower is better"));
      line.append(name, value(metric, a), value(metric, b), difference(metric, a, b));
      return line;
    });
  find("scores").tBodies[0].replaceChildren(...lines);
}

function fill(panel, side, entry) {
  const heading = make("h2", "", `${side}: `);
  const link = make("a", "", label(entry));
  link.href = pageOf(entry);
  heading.append(link);
  const standing = make("p");
  standing.append(...tags(entry).flatMap((tag) => [tag, " "]));
  panel.append(heading, standing);
  if (!data.pictured.includes(entry)) {
    panel.append(make("p", "how", "The board has no filters of this model."));
    return;
  }
  const image = make("img", "sheet");
  image.src = new URL("filters.svg", link.href).href;
  image.alt = `First-layer filters of ${label(entry)}, each over the motif it matches; the model's page names them`;
  image.loading = "lazy";
  panel.append(image);
}

for (const side of ["a", "b"]) {
  find(side).addEventListener("change", (event) => {
    const given = new URLSearchParams(location.hash.slice(1));
    given.set(side, event.target.value.trim());
    location.hash = given;
  });
}
const list = find("models");
for (const model of models) {
  const option = make("option");
  option.value = model;
  list.append(option);
}
find("swap").addEventListener("click", () => {
  const given = new URLSearchParams(location.hash.slice(1));
  location.hash = new URLSearchParams({ a: given.get("b") ?? "", b: given.get("a") ?? "" });
});
addEventListener("hashchange", draw);
draw();
